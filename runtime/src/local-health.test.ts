import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import type { ServiceHealth } from '@carillon/contracts'
import { serveHealth } from './local-health.ts'
import { createTestLog } from './testing/index.ts'

const WELL: ServiceHealth = { service: 'registry', id: 'registry-1', version: '1.2.3', uptimeMs: 1, checks: [] }

function socketOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-health-'))
  context.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'health.sock')
}

test('a client that connects gets the health of this process; a socket that was left behind is replaced', async (context) => {
  const path = socketOf(context)
  const { log } = createTestLog()
  writeFileSync(path, '')
  const serving = await serveHealth(path, { health: async () => WELL }, log)
  const socket = createConnection(path)
  assert.deepEqual(JSON.parse(await text(socket)), WELL)
  await assert.rejects(serveHealth(path, { health: async () => WELL }, log), { code: 'INVALID_CONFIG' })
  await serving.stop()
  assert.equal(existsSync(path), false)
})

test('a health that cannot be read is a closed connection and a line of the log', async (context) => {
  const path = socketOf(context)
  const { log, lines } = createTestLog()
  const serving = await serveHealth(path, { health: () => Promise.reject(new Error('no')) }, log)
  context.after(() => serving.stop())
  const socket = createConnection(path).resume()
  await once(socket, 'close')
  assert.ok(lines.some(({ evt }) => evt === 'health.failed'))
})

test('a path that cannot be listened on is a wrong setting', async () => {
  const { log } = createTestLog()
  await assert.rejects(serveHealth('/proc/x/health.sock', { health: async () => WELL }, log), { code: 'INVALID_CONFIG' })
})
