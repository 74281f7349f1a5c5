/** The lines of docs/HTTP.md that start runs, as they stand there, by curl. */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Client } from '@carillon/sdk'
import { Cleanup } from '../support/cleanup.ts'
import { startMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const run = promisify(execFile)
const page = readFileSync(fileURLToPath(new URL('../../../docs/HTTP.md', import.meta.url)), 'utf8')
const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block ?? '')
const lacks = ['curl', 'openssl'].find((program) => spawnSync(program, ['--version']).error)
const [sqlite] = STORES

describe('docs/HTTP.md', { skip: lacks !== undefined && `there is no ${lacks}` }, () => {
  const cleanup = new Cleanup({ after })
  let client: Client
  let url = ''
  let token = ''

  const shell = async (lines: string, env: Record<string, string> = {}) => {
    const text = lines.replaceAll(/(http:\/\/)?localhost:8420/g, url)
    const { stdout } = await run('sh', ['-euc', text], { env: { ...process.env, TOKEN: token, ...env } })
    return JSON.parse(stdout)
  }

  before(async () => {
    assert.ok(sqlite)
    const mesh = await startMesh(cleanup, { store: sqlite, gateways: 1 })
    ;({ client } = await mesh.connect({ namespace: 'default' }))
    url = mesh.httpUrls[0] ?? ''
    token = ((await mesh.accounts.token('default'))['authorization'] ?? '').replace('Bearer ', '')
    await client.jobs.put({ name: 'report' })
  })

  test('a run is started, once for each key', async () => {
    const [line = ''] = (blocks[0] ?? '').split('\n')
    assert.match(line, /^curl .*Idempotency-Key/)
    const first = await shell(line)
    assert.deepEqual(await shell(line), { runId: first.runId, created: false })
    const { key, payload } = await client.runs.get(first.runId)
    assert.deepEqual([key, payload], ['day-1', { day: 1 }])
  })

  test('a webhook is made, and a delivery signed by openssl starts a run', async () => {
    const [make = '', ...deliver] = (blocks[1] ?? '').split('\n')
    const { secret } = await shell(make.replace(/ # .*/, ''))
    const { runId, created } = await shell(deliver.join('\n'), { SECRET: secret })
    assert.equal(created, true)
    assert.deepEqual((await client.runs.get(runId)).payload, { day: 1 })
  })
})
