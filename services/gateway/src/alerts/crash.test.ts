import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '@carillon/runtime/testing'
import { SHARES, type Store } from '@carillon/store'
import { startGateway } from '../start-gateway.ts'
import { SETTINGS } from './testing/gateway-settings.ts'
import { SECRET, startTestGateways } from './testing/test-gateways.ts'

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
  await endLease(store)
  const other = await startGateway({ nats: { servers: broker.server.url }, log: broker.log, store, ...SETTINGS })
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

/** As if the minute had passed for which a gateway may hold a delivery. */
async function endLease(store: Store): Promise<void> {
  const [{ id } = { id: '' }] = await store.deliveries.due({
    until: Number.MAX_SAFE_INTEGER,
    shares: Array.from({ length: SHARES }, (_, share) => share),
    limit: 1,
  })
  const [held] = await store.deliveries.get([id])
  assert.ok(held && held.tries === 1)
  assert.equal(await store.deliveries.replace({ ...held, wakeAt: Date.now(), revision: held.revision + 1 }, held), 'applied')
}
