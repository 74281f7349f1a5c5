import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '@carillon/runtime/testing'
import { SECRET, startTestGateways } from './testing/test-gateways.ts'

test('two gateways: a failed run is an incident that is sent once, and once that it is over', { timeout: 60_000 }, async (t) => {
  const gateways = await startTestGateways(t, 2)
  const { receiver } = gateways
  const subject: string[] = []
  gateways.broker.connection.subscribe('ops.alerts', {
    callback: (_error, message) => void subject.push(message.json<{ type: string }>().type),
  })
  await gateways.call('alertChannelsPut', { name: 'ops', target: { kind: 'webhook', url: `${receiver.url}/hook`, secrets: [SECRET] } })
  await gateways.call('alertChannelsPut', { name: 'bus', target: { kind: 'nats', subject: 'ops.alerts' } })
  await gateways.call('alertRulesPut', { name: 'failures', scene: 'run-failed', channels: ['ops', 'bus'] })
  const id = await gateways.end('failed')
  gateways.announce(1, 'failed')
  await gateways.end('failed')
  await eventually('the message', () => receiver.received.length > 0)
  await gateways.end('succeeded')
  await eventually('the recovery', () => receiver.received.length > 1, { withinMs: 15_000 })
  const [opened, recovered] = receiver.received.map(({ body }) => JSON.parse(body))
  assert.deepEqual(
    [opened.type, recovered.type, subject],
    ['incident.opened', 'incident.recovered', ['incident.opened', 'incident.recovered']],
  )
  const { incident } = opened.data
  assert.deepEqual([incident.summary, incident.count, incident.examples[0].runId], ['job report failed 2 times', 2, id])
  assert.equal(incident.examples[0].error, 'Error: no paper')
  const [stored] = (await gateways.call('incidentsList', {})).items
  assert.deepEqual([stored?.id, stored?.state, stored?.count], [incident.id, 'recovered', 2])
  const { deliveries = [] } = await gateways.call('incidentsGet', { id: incident.id })
  assert.deepEqual(
    deliveries.map(({ state, tries }) => [state, tries]),
    Array(4).fill(['sent', 1]),
  )
  assert.deepEqual(gateways.events, ['opened', 'recovered'])
})
