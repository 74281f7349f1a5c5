import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@carillon/runtime'
import { eventually } from '@carillon/runtime/testing'
import { startGateway } from '../start-gateway.ts'
import { SETTINGS } from './testing/gateway-settings.ts'
import { SECRET, startTestGateways } from './testing/test-gateways.ts'

/** Longer than a gateway may hold a delivery. */
const AFTER_LEASE_MS = 61_000

test('a gateway that is killed between sending and recording: another one sends again, under the same id', {
  timeout: 60_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-alerts-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const gateways = await startTestGateways(t, 0, `sqlite:${join(folder, 'store.db')}`)
  const { broker, receiver, store } = gateways
  const main = fileURLToPath(new URL('./testing/gateway-main.js', import.meta.url))
  const killed = spawn(process.execPath, [main, broker.server.url, `sqlite:${join(folder, 'store.db')}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(killed.stdout, 'data')
  await gateways.call('alertChannelsPut', { name: 'ops', target: { kind: 'webhook', url: receiver.url, secrets: [SECRET] } })
  await gateways.call('alertRulesPut', { name: 'failures', scene: 'run-failed', channels: ['ops'] })
  receiver.isSilent = true
  await gateways.end('failed')
  await eventually('it was sent', () => receiver.received.length === 1)
  killed.kill('SIGKILL')
  await once(killed, 'exit')
  receiver.isSilent = false
  const clock = { ...systemClock, now: () => systemClock.now() + AFTER_LEASE_MS }
  const other = await startGateway({ nats: { servers: broker.server.url }, log: broker.log, clock, store, ...SETTINGS })
  broker.after(() => other.stop())
  await eventually('it was sent again', () => receiver.received.length === 2)
  const [first, again] = receiver.received
  assert.equal(again?.headers['webhook-id'], first?.headers['webhook-id'])
  const incident = await eventually('it is recorded', async () => {
    const [open] = (await gateways.call('incidentsList', {})).items
    const found = await gateways.call('incidentsGet', { id: open?.id ?? '' })
    return found.deliveries?.[0]?.state === 'sent' ? found : undefined
  })
  assert.deepEqual([incident.count, incident.deliveries?.map(({ tries }) => tries)], [1, [2]])
})
