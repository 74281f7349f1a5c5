import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBody } from '@carillon/contracts'
import type { Incoming } from '@carillon/runtime'
import { settle } from '@carillon/runtime/testing'
import { pass } from '../testing/gated-runs.ts'
import { createTestCoordinator, type TestCoordinator } from '../testing/test-coordinator.ts'
import type { TriggeredJob } from './triggered-jobs.ts'

let sequence = 0
function event(subject: string, body: string, headers: Record<string, string> = {}): Incoming {
  const bytes = Buffer.from(body)
  return {
    ...{ subject, namespace: '', name: '', body: parseBody(bytes), bytes: bytes.length, sequence: ++sequence, storedAt: 1 },
    traceparent: undefined,
    headerNames: () => Object.keys(headers),
    header: (name) => headers[name],
  }
}

/** The jobs are stored as a put stores them; what reads events is made only with a broker. */
async function withJob(context: Parameters<typeof createTestCoordinator>[0], on: NonNullable<TriggeredJob['on']>) {
  const coordinator = await createTestCoordinator(context)
  const { changeJobs, store, triggered } = coordinator
  await changeJobs.put('default', { name: 'sync' })
  const [job] = await store.jobs.get(['default/sync'])
  assert.ok(job)
  await store.jobs.replace({ ...job, triggers: { on }, revision: 2 }, { revision: 1 })
  triggered.changed()
  return coordinator
}

async function payloadsOf({ store }: TestCoordinator): Promise<unknown[]> {
  await settle()
  const { items } = await store.runs.list({ namespace: 'default', job: 'sync', limit: 100 })
  const runs = await store.runs.get(items.map(({ id }) => id))
  return runs.map((run) => JSON.parse(run?.payload ?? '')).sort()
}

test('an event fires the jobs whose pattern and filter it matches, with its body or what the job makes of it', async (context) => {
  const coordinator = await withJob(context, {
    subject: 'orders.*',
    filter: 'payload.total > 100',
    map: "{'id': payload.id, 'from': subject}",
  })
  await coordinator.takeEvents.execute('CAPTURED', [
    event('orders.created', '{"id":1,"total":200}'),
    event('orders.created', '{"id":2,"total":100}'),
    event('orders.created.again', '{"id":3,"total":200}'),
    event('bills.created', '{"id":4,"total":200}'),
  ])
  assert.deepEqual(await payloadsOf(coordinator), [{ id: 1, from: 'orders.created' }])
  const { items } = await coordinator.store.runs.list({ namespace: 'default', job: 'sync', limit: 10 })
  assert.equal(items[0]?.trigger, 'event')
})

test('an event that comes again, or is published again under its key or message id, fires once', async (context) => {
  const coordinator = await withJob(context, { subject: 'orders.>' })
  const one = event('orders.a', '1')
  await coordinator.takeEvents.execute('CAPTURED', [one])
  await coordinator.takeEvents.execute('CAPTURED', [one])
  for (const header of ['Carillon-Key', 'Nats-Msg-Id'])
    for (let i = 0; i < 2; i++) await coordinator.takeEvents.execute('CAPTURED', [event('orders.a', '2', { [header]: `${header} 7` })])
  await coordinator.takeEvents.execute('CAPTURED', [event('orders.a', '')])
  assert.deepEqual(await payloadsOf(coordinator), [1, 2, 2, null])
})

test('a run of an event says who published it; a name that cannot be kept is refused', async (context) => {
  const coordinator = await withJob(context, { subject: 'orders.>' })
  await coordinator.takeEvents.execute('CAPTURED', [
    event('orders.a', '1', { 'Carillon-By': 'ada' }),
    event('orders.a', '2'),
    event('orders.a', '3', { 'Carillon-By': 'x'.repeat(300) }),
  ])
  await settle()
  const { items } = await coordinator.store.runs.list({ namespace: 'default', job: 'sync', limit: 10 })
  assert.deepEqual(items.map(({ by }) => by).sort(), ['ada', null])
  const rejected = coordinator.fake.publishedTo('event.message.CAPTURED.rejected') as { code: string }[]
  assert.deepEqual(
    rejected.map(({ code }) => code),
    ['INVALID_HEADER'],
  )
})

test('what is no JSON, and an event of which a filter has no result, fire nothing and are kept as rejected', async (context) => {
  const coordinator = await withJob(context, { subject: 'orders.>', filter: 'payload.total > 100' })
  await coordinator.takeEvents.execute('CAPTURED', [
    event('orders.a', 'not json'),
    event('orders.a', '{"other":1}'),
    event('orders.a', '{"total":101}'),
  ])
  assert.deepEqual(await payloadsOf(coordinator), [{ total: 101 }])
  const rejected = coordinator.fake.publishedTo('event.message.CAPTURED.rejected') as { code: string; subject: string }[]
  assert.deepEqual(
    rejected.map(({ code, subject }) => [code, subject]),
    [
      ['INVALID_JSON', 'orders.a'],
      ['EXPRESSION_FAILED', 'orders.a'],
    ],
  )
})

test('a paused job is not fired', async (context) => {
  const coordinator = await withJob(context, { subject: 'orders.>' })
  await coordinator.changeJobs.pause('default', 'sync')
  coordinator.triggered.changed()
  await coordinator.takeEvents.execute('CAPTURED', [event('orders.a', '1')])
  assert.deepEqual(await payloadsOf(coordinator), [])
})

test('expressions and subjects are checked before a job is stored', async (context) => {
  const { changeJobs } = await createTestCoordinator(context)
  const put = (on: object) => changeJobs.put('default', { name: 'sync', on: on as { subject: string } })
  await assert.rejects(put({ subject: 'orders.>', filter: 'payload.total >' }), { code: 'INVALID_EXPRESSION' })
  await assert.rejects(put({ subject: 'orders.>', map: 'nobody' }), { code: 'INVALID_EXPRESSION' })
  await assert.rejects(put({ subject: 'carillon.default.work.>' }), { code: 'INVALID_REQUEST' })
})

test('a job that the events of its own runs fire ends with a record that says so', async (context) => {
  const coordinator = await withJob(context, { subject: 'carillon.default.event.run.*.*' })
  const { store, takeEvents } = coordinator
  const runs = async () => (await store.runs.list({ namespace: 'default', job: 'sync', limit: 100 })).items
  await takeEvents.execute('EVENTS', [event('carillon.default.event.run.foreign.succeeded', '{}')])
  await coordinator.clock.advance(1)
  for (let i = 0; i < 40; i++) {
    await settle()
    const [newest] = await runs()
    await takeEvents.execute('EVENTS', [event(`carillon.default.event.run.${newest?.id}.${newest?.state}`, '{}')])
    await coordinator.clock.advance(1)
  }
  await settle()
  const [last, ...before] = await runs()
  assert.deepEqual([last?.state, last?.reason, before.length], ['skipped', 'chain-too-long', 33])
})

test('events of a burst that are taken in another order than their stream has them: the last one in the stream counts', async (context) => {
  const coordinator = await withJob(context, { subject: 'orders.>' })
  const { store, takeEvents, triggered, jobs } = coordinator
  const [job] = await store.jobs.get(['default/sync'])
  assert.ok(job)
  const debounce = { periodMs: 1_000, payload: 'last' } as const
  await store.jobs.replace({ ...job, gating: { debounce }, revision: job.revision + 1 }, { revision: job.revision })
  jobs.forget('default', 'sync')
  triggered.changed()
  const [one, two, three] = [event('orders.a', '1'), event('orders.b', '2'), event('orders.a', '3')]
  await takeEvents.execute('CAPTURED', [three])
  await takeEvents.execute('CAPTURED', [one, two])
  await pass(coordinator, 1_000)
  const { items } = await store.runs.list({ namespace: 'default', job: 'sync', states: ['queued'], limit: 10 })
  assert.deepEqual(
    (await store.runs.get(items.map(({ id }) => id))).map((run) => run?.payload),
    ['3'],
  )
})
