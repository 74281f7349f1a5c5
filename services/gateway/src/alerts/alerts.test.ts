import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CarillonError } from '@carillon/contracts'
import { eventually } from '@carillon/runtime/testing'
import { aJob } from '@carillon/store/testing'
import { SECRET, startTestGateways } from './testing/test-gateways.ts'

test('two gateways: a failed run is an incident that is sent once, and once that it is over', async (t) => {
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
  await eventually('the recovery', () => receiver.received.length > 1)
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

test('secrets are written and never read; what is wrong is named', async (t) => {
  const gateways = await startTestGateways(t, 1)
  const refused = async (name: Parameters<typeof gateways.call>[0], input: object, expected: object) =>
    assert.rejects(gateways.call(name, input as never), (error: CarillonError) => {
      assert.deepEqual({ code: error.code, field: error.details.field }, expected)
      return true
    })
  const target = { kind: 'webhook' as const, url: 'https://hooks.example.com/T0/secret-path', secrets: [SECRET] }
  const put = await gateways.call('alertChannelsPut', { name: 'ops', target })
  assert.deepEqual([put.address, put.secrets, put.target], ['hooks.example.com', ['url', 'secrets'], { kind: 'webhook' }])
  await gateways.call('alertChannelsPut', { name: 'ops', target: { kind: 'webhook' }, language: 'zh-CN' })
  const shown = JSON.stringify([await gateways.call('alertChannelsGet', { name: 'ops' }), await gateways.call('alertChannelsList', {})])
  assert.ok(shown.includes('"zh-CN"') && !shown.includes('secret-path') && !shown.includes(SECRET))
  const mail = { kind: 'email' as const, to: ['a@b.example'], from: 'c@d.example', host: 'mail.b.example', user: 'u', password: 'p4ssword' }
  await gateways.call('alertChannelsPut', { name: 'mail', target: mail })
  const { password: _, ...without } = mail
  await gateways.call('alertChannelsPut', { name: 'mail', target: without })
  await refused(
    'alertChannelsPut',
    { name: 'mail', target: { ...without, host: 'evil.example' } },
    { code: 'INVALID_ALERT', field: 'target.password' },
  )
  await refused('alertChannelsPut', { name: 'new', target: { kind: 'slack' } }, { code: 'INVALID_ALERT', field: 'target.url' })
  await refused(
    'alertChannelsPut',
    { name: 'bus', target: { kind: 'nats', subject: 'carillon.default.work.x' } },
    { code: 'INVALID_ALERT', field: 'target.subject' },
  )
  await refused(
    'alertRulesPut',
    { name: 'r', scene: 'run-failed', channels: ['nobody'] },
    { code: 'ALERT_CHANNEL_NOT_FOUND', field: 'channels' },
  )
  await refused('alertRulesPut', { name: 'r', scene: 'late', threshold: 3 }, { code: 'INVALID_ALERT', field: 'threshold' })
  await refused('alertRulesPut', { name: 'r', scene: 'run-failed', windowMs: 60_000 }, { code: 'INVALID_ALERT', field: 'windowMs' })
  await refused('alertRulesPut', { name: 'r', scene: 'run-failed', jobs: ['a b'] }, { code: 'INVALID_ALERT', field: 'jobs.0' })
  const quietHours = { from: '22:00', to: '06:00', timezone: 'Mars/Base' }
  await refused(
    'alertRulesPut',
    { name: 'r', scene: 'run-failed', quietHours },
    { code: 'INVALID_TIME_ZONE', field: 'quietHours.timezone' },
  )
  await gateways.call('alertRulesPut', { name: 'r', scene: 'run-failed', channels: ['ops'] })
  await refused('alertChannelsRemove', { name: 'ops' }, { code: 'ALERT_CHANNEL_IN_USE', field: 'name' })
  await gateways.call('alertRulesRemove', { name: 'r' })
  await gateways.call('alertChannelsRemove', { name: 'ops' })
  await refused('alertRulesGet', { name: 'r' }, { code: 'ALERT_RULE_NOT_FOUND', field: 'name' })
  await refused('incidentsGet', { id: `i${'a'.repeat(25)}-000001` }, { code: 'INCIDENT_NOT_FOUND', field: 'id' })
  await refused('incidentsGet', { id: '../x' }, { code: 'INVALID_REQUEST', field: 'id' })
})

test('a test message is sent, and the answer of the other side is answered; a receiver that is gone is not asked again', async (t) => {
  const gateways = await startTestGateways(t, 1)
  const { receiver } = gateways
  await gateways.call('alertChannelsPut', { name: 'ops', target: { kind: 'webhook', url: receiver.url, secrets: [SECRET] } })
  assert.deepEqual(await gateways.call('alertChannelsTest', { name: 'ops' }), { delivered: true, answer: '200' })
  assert.equal(JSON.parse(receiver.received[0]?.body ?? '').type, 'incident.test')
  receiver.answers = () => ({ status: 410, body: 'gone' })
  assert.deepEqual(await gateways.call('alertChannelsTest', { name: 'ops' }), { delivered: false, answer: '410 gone' })
  assert.match((await gateways.call('alertChannelsGet', { name: 'ops' })).disabled?.why ?? '', /gone: 410 gone/)
  await gateways.call('alertRulesPut', { name: 'failures', scene: 'run-failed', channels: ['ops'] })
  await gateways.end('failed')
  const refused = await eventually('the refusal', async () => {
    const [incident] = (await gateways.call('incidentsList', { state: 'open' })).items
    const { deliveries = [] } = await gateways.call('incidentsGet', { id: incident?.id ?? '' })
    return deliveries.find(({ state }) => state === 'refused')
  })
  assert.match(refused.answer ?? '', /its receiver is gone/)
  assert.equal(receiver.received.length, 2)
})

test('a slot that nobody fires is missing; who takes care of it is shown, and it is over when it is fired', async (t) => {
  const gateways = await startTestGateways(t, 2)
  const { store, receiver } = gateways
  await store.jobs.insert(aJob('nightly', { wakeAt: Date.now() - 10_000, nextSlotAt: Date.now() - 10_000 }))
  await gateways.call('alertChannelsPut', { name: 'ops', target: { kind: 'webhook', url: receiver.url, secrets: [SECRET] } })
  await gateways.call('alertRulesPut', { name: 'missing', scene: 'missing', graceMs: 1_000, jobs: ['night*'], channels: ['ops'] })
  await eventually('the message', () => receiver.received.length === 1)
  const [incident] = (await gateways.call('incidentsList', { state: 'open', rule: 'missing' })).items
  assert.ok(incident)
  assert.deepEqual([incident.cause, incident.summary], [{ kind: 'job', name: 'nightly' }, 'job nightly did not run when it should have'])
  const { acknowledged } = await gateways.call('incidentsAcknowledge', { id: incident.id, note: 'on it' })
  assert.equal(acknowledged?.note, 'on it')
  assert.ok((await gateways.call('incidentsSnooze', { id: incident.id, forMs: 60_000 })).snoozedUntil)
  const [job] = await store.jobs.get(['default/nightly'])
  await store.jobs.replace({ ...job!, wakeAt: Date.now() + 86_400_000, revision: 2 }, { revision: 1 })
  await eventually('the recovery', () => receiver.received.length === 2)
  await assert.rejects(gateways.call('incidentsAcknowledge', { id: incident.id }), { code: 'INCIDENT_OVER' })
  assert.deepEqual(gateways.events.toSorted(), ['acknowledged', 'opened', 'recovered', 'snoozed'])
})
