import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TIMES } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { Routing, RunRecord } from '@carillon/store'
import { aRun, runId } from '@carillon/store/testing'
import { createTestCoordinator, partsOn, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

/** A routed run that is queued, as a start makes it. */
const routed = (n: number, { clock }: TestCoordinator, { job = null, ...routing }: Routing & { job?: string | null }) =>
  aRun(n, { routing, job, queuedAt: null, wakeAt: clock.now() + 10_000, createdAt: clock.now() + n })

const offersOf = ({ fake }: TestCoordinator) =>
  fake.offers.map(({ subject, body }) => `${body.taskId}.${body.attempt} ${subject.split('.').at(-1)}`)

async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await settle()
}

async function coordinatorWith(context: Parameters<typeof createTestCoordinator>[0], instances: Record<string, Record<string, string>>) {
  const coordinator = await createTestCoordinator(context)
  coordinator.presence.alive.set('hello', Object.keys(instances).sort())
  for (const [name, labels] of Object.entries(instances)) coordinator.presence.labels.set(name, labels)
  return coordinator
}

const report = (run: RunRecord, type: string, more: object = {}) => ({ runId: run.id, taskId: run.id, attempt: 1, type, ...more })

test('a run with labels is offered to an instance that has them, with no work message, and ends there', async (context) => {
  const coordinator = await coordinatorWith(context, { 'i-1': {}, 'i-2': { gpu: 'true' } })
  const { runs, applyReports, fake } = coordinator
  const run = routed(1, coordinator, { labels: { gpu: 'true' } })
  await runs.insert([run])
  await settled()
  assert.deepEqual(offersOf(coordinator), [`${run.id}.1 i-2`])
  assert.deepEqual(fake.publishedTo('work.'), [])
  assert.deepEqual(
    [(await runOf(coordinator, run.id)).target, (await coordinator.readRuns.get('default', run.id)).instance],
    ['i-2', 'i-2'],
  )
  await applyReports.execute([reportsFrom('i-2', report(run, 'finished', { outcome: 'succeeded', result: 1 }))])
  assert.equal((await runOf(coordinator, run.id)).state, 'succeeded')
})

test('without a matching instance a run waits, says why, and starts as soon as one matches', async (context) => {
  const coordinator = await coordinatorWith(context, { 'i-1': {}, 'i-2': { gpu: 'true' } })
  const { presence, runs, routes, loads, readRuns } = coordinator
  presence.cordoned.add('i-2')
  const run = routed(1, coordinator, { labels: { gpu: 'true' }, where: 'load.cpu < 0.8' })
  await runs.insert([run])
  await settled()
  const waits = await readRuns.get('default', run.id)
  assert.deepEqual(
    [waits.state, waits.reason, waits.attempt, waits.message],
    ['queued', 'no-instance', 1, 'none of 2 instances that offer `hello` matches: 1 without label gpu=true, 1 cordoned'],
  )
  presence.cordoned.delete('i-2')
  loads.beat('default', 'i-2', { groupCpu: 0.9 })
  routes.changed('default')
  await settled()
  assert.match((await readRuns.get('default', run.id)).message ?? '', /1 for which `load.cpu < 0.8` is not true$/)
  assert.deepEqual(offersOf(coordinator), [])
  loads.beat('default', 'i-2', { groupCpu: 0.1 })
  routes.changed('default')
  await settled()
  assert.deepEqual(offersOf(coordinator), [`${run.id}.1 i-2`])
  assert.equal((await readRuns.get('default', run.id)).reason, undefined)
})

test('a run that waits can be cancelled, and is not offered then', async (context) => {
  const coordinator = await coordinatorWith(context, { 'i-1': {} })
  const run = routed(1, coordinator, { labels: { gpu: 'true' } })
  await coordinator.runs.insert([run])
  await settled()
  await coordinator.changeRuns.cancel('default', run.id)
  coordinator.presence.labels.set('i-1', { gpu: 'true' })
  coordinator.routes.changed('default')
  await settled()
  assert.deepEqual([offersOf(coordinator), (await runOf(coordinator, run.id)).state], [[], 'cancelled'])
})

test('an instance that refuses keeps nothing: the run goes to another one, in the same attempt', async (context) => {
  const coordinator = await coordinatorWith(context, { 'i-1': {}, 'i-2': {} })
  const { fake, runs } = coordinator
  fake.answerOffer = (instance) => (instance === 'i-1' ? { accepted: false, reason: 'busy' } : { accepted: true })
  const run = routed(1, coordinator, { route: 'round-robin' })
  await runs.insert([run])
  await settled()
  assert.deepEqual(offersOf(coordinator), [`${run.id}.1 i-1`, `${run.id}.1 i-2`])
  const { target, attempt, losses } = await runOf(coordinator, run.id)
  assert.deepEqual([target, attempt, losses], ['i-2', 1, 0])
})

test('when all are busy the runs wait in order, and go on when a task has ended', async (context) => {
  const coordinator = await coordinatorWith(context, { 'i-1': {} })
  const { fake, runs, presence, applyReports } = coordinator
  presence.capacity.set('i-1', 2)
  let free = 2
  fake.answerOffer = () => (free-- > 0 ? { accepted: true } : { accepted: false, reason: 'busy' })
  const some = [1, 2, 3, 4].map((n) => routed(n, coordinator, { route: 'first' }))
  await runs.insert(some)
  await settled()
  const accepted = await Promise.all(some.map(async ({ id }) => (await runOf(coordinator, id)).target))
  assert.deepEqual(accepted, ['i-1', 'i-1', null, null])
  free = 1
  await applyReports.execute([reportsFrom('i-1', report(some[0] as RunRecord, 'finished', { outcome: 'succeeded' }))])
  await settled()
  assert.equal((await runOf(coordinator, runId(3))).target, 'i-1')
  assert.equal((await runOf(coordinator, runId(4))).target, null)
})

test('an offer without an answer is repeated to the same instance; when that is lost, the next attempt goes by the same rule', async (context) => {
  const coordinator = await coordinatorWith(context, { 'i-1': {}, 'i-2': {} })
  const { fake, runs, presence, wakeLives, clock } = coordinator
  fake.answerOffer = () => {
    throw new Error('no responders')
  }
  const run = routed(1, coordinator, { route: 'first' })
  await runs.insert([run])
  await settled()
  assert.deepEqual([offersOf(coordinator), (await runOf(coordinator, run.id)).target], [[`${run.id}.1 i-1`], 'i-1'])
  await clock.advance(TIMES.ackWaitMs)
  await wakeLives.execute([run.id])
  await settled()
  assert.deepEqual(offersOf(coordinator), [`${run.id}.1 i-1`, `${run.id}.1 i-1`])
  fake.answerOffer = () => ({ accepted: true })
  presence.lost.add('i-1')
  presence.alive.set('hello', ['i-2'])
  await clock.advance(TIMES.ackWaitMs)
  await wakeLives.execute([run.id])
  await settled()
  const { target, attempt, reason } = await runOf(coordinator, run.id)
  assert.deepEqual([target, attempt, reason], ['i-2', 2, 'instance-lost'])
})

test('a run whose instance dies goes to another one by the same rule', async (context) => {
  const coordinator = await coordinatorWith(context, { 'i-1': { gpu: 'true' }, 'i-2': { gpu: 'true' }, 'i-3': {} })
  const { runs, applyReports, presence, takeOverInstance } = coordinator
  const run = routed(1, coordinator, { labels: { gpu: 'true' }, route: 'first' })
  await runs.insert([run])
  await settled()
  await applyReports.execute([reportsFrom('i-1', report(run, 'started'))])
  presence.alive.set('hello', ['i-2', 'i-3'])
  await takeOverInstance.execute('default', 'i-1', new AbortController().signal)
  await settled()
  assert.deepEqual(offersOf(coordinator), [`${run.id}.1 i-1`, `${run.id}.2 i-2`])
})

test('a run that ends each process before it reports its begin is poison, also where the process is restarted under its name at once', async (context) => {
  const coordinator = await coordinatorWith(context, { 'i-1': {} })
  const { runs, presence, wakeLives, takeOverInstance, applyReports, clock, fake } = coordinator
  presence.sessions.set('i-1', 's1')
  const run = routed(1, coordinator, { route: 'first' })
  await runs.insert([run])
  await settled()
  for (const session of ['s2', 's3']) {
    presence.sessions.set('i-1', session)
    await clock.advance(TIMES.ackWaitMs)
    await wakeLives.execute([run.id])
    await settled()
  }
  const { state, attempt, losses, target } = await runOf(coordinator, run.id)
  assert.deepEqual([state, attempt, losses, target], ['queued', 3, 2, 'i-1'])
  // A suspect: its executor reports that it begins.
  assert.deepEqual([fake.offers.at(-1)?.body.alone, fake.offers.at(-1)?.session], [true, 's3'])
  await applyReports.execute([reportsFrom('i-1', report(run, 'started', { attempt: 3, session: 's3' }))])
  presence.sessions.set('i-1', 's4')
  await takeOverInstance.execute('default', 'i-1', new AbortController().signal)
  await settled()
  assert.deepEqual([(await runOf(coordinator, run.id)).state, (await runOf(coordinator, run.id)).reason], ['failed', 'poison'])
})

test('a process that was restarted before its next attempt was offered is no loss', async (context) => {
  const coordinator = await coordinatorWith(context, { 'i-1': {} })
  const { runs, presence, wakeLives, applyReports, clock } = coordinator
  presence.sessions.set('i-1', 's1')
  const run = { ...routed(1, coordinator, { route: 'first' }), attempts: 2 }
  await runs.insert([run])
  await settled()
  await applyReports.execute([reportsFrom('i-1', report(run, 'started', { session: 's1' }))])
  await applyReports.execute([reportsFrom('i-1', report(run, 'finished', { outcome: 'failed', error: { name: 'E', message: 'no' } }))])
  presence.sessions.set('i-1', 's2')
  for (let i = 0; i < 3; i++) {
    await clock.advance(TIMES.ackWaitMs)
    await wakeLives.execute([run.id])
    await settled()
  }
  const { state, attempt, losses, target } = await runOf(coordinator, run.id)
  assert.deepEqual([state, attempt, losses, target], ['queued', 2, 0, 'i-1'])
})

test('a coordinator that takes over goes on with round robin where the one before stopped', async (context) => {
  const one = await coordinatorWith(context, { 'i-1': {}, 'i-2': {}, 'i-3': {} })
  await one.runs.insert([1, 2].map((n) => routed(n, one, { route: 'round-robin', job: 'nightly' })))
  await settled()
  const two = partsOn({ ...one, publisher: one.fake.publisher })
  await two.runs.insert([3, 4].map((n) => routed(n, one, { route: 'round-robin', job: 'nightly' })))
  await settled()
  assert.deepEqual(
    offersOf(one).map((offer) => offer.split(' ')[1]),
    ['i-1', 'i-2', 'i-3', 'i-1'],
  )
})

test('two coordinators that find the same run offer it to one instance', async (context) => {
  const one = await coordinatorWith(context, { 'i-1': {}, 'i-2': {} })
  const two = partsOn({ ...one, publisher: one.fake.publisher })
  const run = routed(1, one, { route: 'round-robin' })
  await one.store.runs.insert([run])
  for (const { routes } of [one, two]) routes.soon({ run, task: run })
  await settled()
  assert.equal(offersOf(one).length, 1)
})

test('shards with labels run where these are; a broadcast has a task on each instance that matches', async (context) => {
  const coordinator = await coordinatorWith(context, { 'i-1': { gpu: 'true' }, 'i-2': {}, 'i-3': { gpu: 'true' } })
  const { startRuns } = coordinator
  const start = (request: object) =>
    startRuns.execute([
      {
        namespace: 'default',
        request: { handler: 'hello', labels: { gpu: 'true' }, ...request },
        bytes: 0,
        trigger: 'call',
        traceparent: undefined,
      },
    ])
  await start({ shards: 6 })
  await settled()
  const instances = () => offersOf(coordinator).map((offer) => offer.split(' ')[1])
  assert.deepEqual([instances().length, [...new Set(instances())].sort()], [6, ['i-1', 'i-3']])
  coordinator.fake.offers.length = 0
  await start({ mode: 'broadcast' })
  await settled()
  assert.deepEqual(instances().sort(), ['i-1', 'i-3'])
})

test('nonsense is refused before anything is stored, with the field and what would be right', async (context) => {
  const { startRuns, changeJobs, store } = await createTestCoordinator(context)
  for (const [fields, field, code] of [
    [{ labels: {} }, 'labels', 'INVALID_REQUEST'],
    [{ where: 'load.cpu' }, 'where', 'INVALID_EXPRESSION'],
    [{ where: 'load.cpuu < 1' }, 'where', 'INVALID_EXPRESSION'],
    [{ where: 7 }, 'where', 'INVALID_REQUEST'],
    [{ route: 'nearest' }, 'route', 'INVALID_REQUEST'],
    [{ route: 'consistent-hash', hashKey: { of: 'payload' } }, 'hashKey', 'INVALID_REQUEST'],
    [{ route: 'consistent-hash', hashKey: "{'a': 1}" }, 'hashKey', 'INVALID_EXPRESSION'],
    [{ route: 'consistent-hash', hashKey: 'payload', payload: { a: 1 } }, 'hashKey', 'EXPRESSION_FAILED'],
    [{ route: 'specific', instances: ['a b'] }, 'instances.0', 'INVALID_NAME'],
  ] as const) {
    const [outcome] = await startRuns.execute([
      { namespace: 'default', request: { handler: 'hello', ...fields }, bytes: 0, trigger: 'call', traceparent: undefined },
    ])
    const error = outcome as { code?: string; details?: { field?: string } }
    assert.deepEqual([error.code, error.details?.field], [code, field], JSON.stringify(fields))
  }
  await assert.rejects(changeJobs.put('default', { name: 'a', where: 'labels.a' }), { code: 'INVALID_EXPRESSION' })
  await assert.rejects(changeJobs.put('default', { name: 'a', route: 'consistent-hash', hashKey: 'payload', payload: {} }), {
    code: 'EXPRESSION_FAILED',
  })
  assert.deepEqual((await store.runs.list({ namespace: 'default', limit: 9 })).items, [])
})
