import assert from 'node:assert/strict'
import { test } from 'node:test'
import { taskIdOf } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { RunRecord, TaskRecord } from '@carillon/store'
import { aRun, aTask } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

async function withRun(coordinator: TestCoordinator, fields: Partial<RunRecord> = {}): Promise<RunRecord> {
  const run = aRun(1, { mode: 'broadcast', queuedAt: coordinator.clock.now(), ...fields })
  await coordinator.runs.insert([run])
  await settle()
  return run
}
const tasksOf = async ({ store }: TestCoordinator, run: RunRecord): Promise<TaskRecord[]> =>
  (await store.tasks.listWhole({ runId: run.id, limit: 100 })).items
const ends = (run: RunRecord, index: number, fields: { outcome?: string; attempt?: number; type?: string }) => ({
  runId: run.id,
  taskId: taskIdOf(run.id, index),
  attempt: 1,
  type: 'finished',
  ...fields,
})

test('every instance that offers the handler when the run starts is offered a task', async (context) => {
  const coordinator = await createTestCoordinator(context)
  coordinator.presence.alive.set('hello', ['i-0', 'i-1', 'i-2'])
  const run = await withRun(coordinator)
  assert.equal((await runOf(coordinator, run.id)).state, 'running')
  assert.deepEqual(
    coordinator.fake.offers.map(({ subject, body }) => [subject, body.taskId]),
    [0, 1, 2].map((i) => [`carillon.default.direct.i-${i}`, taskIdOf(run.id, i)]),
  )
  assert.equal(coordinator.fake.publishedTo('work.').length, 0)
  await coordinator.advance.execute(run.id)
  assert.equal((await tasksOf(coordinator, run)).length, 3)
})

test('without an instance it waits, and checks again', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await withRun(coordinator)
  assert.equal((await runOf(coordinator, run.id)).state, 'queued')
  assert.deepEqual(coordinator.armed, [{ kind: 'runs', id: run.id, wakeAt: coordinator.clock.now() + 2_000 }])
  coordinator.presence.alive.set('hello', ['i-0'])
  await coordinator.clock.advance(2_000)
  await coordinator.wakeLives.execute([run.id])
  await settle()
  assert.equal((await runOf(coordinator, run.id)).state, 'running')
})

test('an offer that is refused or not answered is repeated by its wakeAt', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { wakeLives, clock, fake, presence } = coordinator
  presence.alive.set('hello', ['i-0'])
  fake.answerOffer = () => ({ accepted: false, reason: 'busy' })
  const run = await withRun(coordinator)
  const [task] = await tasksOf(coordinator, run)
  assert.equal(task?.wakeAt, clock.now() + 1_000)
  await clock.advance(1_000)
  fake.answerOffer = () => {
    throw new Error('timeout')
  }
  await wakeLives.execute([task?.id ?? ''])
  await settle()
  assert.equal((await tasksOf(coordinator, run))[0]?.wakeAt, clock.now() + 2_000)
  assert.equal(fake.offers.length, 2)
})

test('a run that is cancelled while its tasks are being made begins none of them', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, fake, presence, wakeLives, clock } = coordinator
  presence.alive.set('hello', ['i-0', 'i-1'])
  const insert = store.tasks.insert.bind(store.tasks)
  store.tasks.insert = async (tasks) => {
    const outcomes = await insert(tasks)
    await coordinator.changeRuns.cancel('default', tasks[0]?.runId ?? '')
    return outcomes
  }
  const run = await withRun(coordinator)
  assert.deepEqual([(await runOf(coordinator, run.id)).state, fake.offers.length], ['cancelled', 0])
  await clock.advance(60_000)
  await wakeLives.execute((await tasksOf(coordinator, run)).map(({ id }) => id))
  assert.equal(fake.offers.length, 0)
  assert.deepEqual(
    (await tasksOf(coordinator, run)).map(({ state, reason }) => [state, reason]),
    [
      ['cancelled', 'cancelled-by-request'],
      ['cancelled', 'cancelled-by-request'],
    ],
  )
})

test('two coordinators that begin it at once offer each task once', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const other = await createTestCoordinator(context, { store: coordinator.store, clock: coordinator.clock })
  const run = aRun(1, { mode: 'broadcast', queuedAt: coordinator.clock.now() })
  await coordinator.store.runs.insert([run])
  for (const { presence } of [coordinator, other]) presence.alive.set('hello', ['i-0', 'i-1'])
  await Promise.all([coordinator.advance.execute(run.id), other.advance.execute(run.id)])
  await settle()
  assert.equal(coordinator.fake.offers.length + other.fake.offers.length, 2)
})

test('a leg whose instance is lost goes to an unused one, and ends when there is none', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { presence, takeOverInstance, fake } = coordinator
  presence.alive.set('hello', ['i-0'])
  const run = await withRun(coordinator)
  await coordinator.applyReports.execute([reportsFrom('i-0', ends(run, 0, { type: 'started' }))])
  presence.alive.set('hello', ['i-1'])
  await takeOverInstance.execute('default', 'i-0', new AbortController().signal)
  const [moved] = await tasksOf(coordinator, run)
  assert.deepEqual([moved?.state, moved?.target, moved?.attempt, moved?.owner], ['queued', 'i-1', 2, null])
  assert.deepEqual(fake.offers.at(-1)?.subject, 'carillon.default.direct.i-1')
  await coordinator.applyReports.execute([reportsFrom('i-1', ends(run, 0, { type: 'started', attempt: 2 }))])
  presence.alive.set('hello', [])
  await takeOverInstance.execute('default', 'i-1', new AbortController().signal)
  await settle()
  const [ended] = await tasksOf(coordinator, run)
  assert.deepEqual([ended?.state, ended?.reason], ['failed', 'instance-lost'])
  assert.deepEqual([(await runOf(coordinator, run.id)).state, (await runOf(coordinator, run.id)).reason], ['failed', 'tasks-failed'])
})

test('a retried run runs its tasks again, once, also when that is done twice', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { presence, changeRuns, advance, clock, fake } = coordinator
  presence.alive.set('hello', ['i-0', 'i-1'])
  const run = await withRun(coordinator)
  await coordinator.applyReports.execute([reportsFrom('i-0', ends(run, 0, { outcome: 'succeeded' }))])
  await coordinator.applyReports.execute([reportsFrom('i-1', ends(run, 1, { outcome: 'failed' }))])
  await settle()
  assert.equal((await runOf(coordinator, run.id)).state, 'failed')
  await clock.advance(1_000)
  await changeRuns.retry('default', { runId: run.id })
  await settle()
  await advance.execute(run.id)
  assert.deepEqual(
    (await tasksOf(coordinator, run)).map(({ state, attempt }) => [state, attempt]),
    [
      ['queued', 2],
      ['queued', 2],
    ],
  )
  assert.equal(fake.offers.length, 4)
  for (const index of [0, 1])
    await coordinator.applyReports.execute([reportsFrom(`i-${index}`, ends(run, index, { outcome: 'succeeded', attempt: 2 }))])
  await settle()
  assert.equal((await runOf(coordinator, run.id)).state, 'succeeded')
})

test('shards go to instances with room, as many at once as are allowed, and the run ends with the last', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { advance, fake, applyReports } = coordinator
  const run = await withRun(coordinator, { mode: 'shards', plan: { shards: 5, maxParallel: 2 }, items: '["a","b","c","d","e"]' })
  const published = () => fake.publishedTo('work.hello').map(({ taskId }) => taskId)
  const states = async () => (await tasksOf(coordinator, run)).map(({ state }) => state)
  assert.deepEqual(await states(), ['queued', 'queued', 'waiting', 'waiting', 'waiting'])
  assert.deepEqual(fake.publishedTo('work.hello')[1], {
    runId: run.id,
    taskId: `${run.id}-00001`,
    handler: 'hello',
    attempt: 1,
    index: 1,
    total: 5,
    item: 'b',
    payload: { name: 'Ada' },
  })
  await Promise.all([advance.execute(run.id), advance.execute(run.id)])
  assert.equal(published().length, 2, 'looking again frees no more')
  const report = async (...outcomes: [number, string][]) => {
    await applyReports.execute([reportsFrom('i-1', ...outcomes.map(([index, outcome]) => ends(run, index, { outcome })))])
    await settle()
  }
  await report([1, 'succeeded'])
  assert.deepEqual(await states(), ['queued', 'succeeded', 'queued', 'waiting', 'waiting'])
  await report([0, 'failed'], [2, 'succeeded'])
  assert.deepEqual(await states(), ['failed', 'succeeded', 'succeeded', 'queued', 'queued'])
  await report([3, 'succeeded'], [4, 'succeeded'])
  const ended = await runOf(coordinator, run.id)
  assert.deepEqual([ended.state, ended.reason, ended.result], ['failed', 'tasks-failed', '{"tasks":{"succeeded":4,"failed":1}}'])
  assert.equal(new Set(published()).size, 5)
})

test('tasks that were cancelled while the run was being planned stay so: it was never retried', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = aRun(1, { mode: 'shards', plan: { shards: 2 }, queuedAt: coordinator.clock.now() })
  await coordinator.store.runs.insert([run])
  const cancelled = { runId: run.id, total: 2, state: 'cancelled', endedAt: coordinator.clock.now() } as const
  await coordinator.store.tasks.insert([0, 1].map((index) => aTask(run.id, index, cancelled)))
  await coordinator.advance.execute(run.id)
  assert.deepEqual(
    (await tasksOf(coordinator, run)).map(({ state, attempt }) => [state, attempt]),
    [
      ['cancelled', 1],
      ['cancelled', 1],
    ],
  )
})

test('a retry of failed tasks leaves the others alone', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { applyReports, changeRuns, clock } = coordinator
  const run = await withRun(coordinator, { mode: 'shards', plan: { shards: 3 } })
  for (const index of [0, 1, 2])
    await applyReports.execute([reportsFrom('i-1', ends(run, index, { outcome: index === 1 ? 'failed' : 'succeeded' }))])
  await settle()
  await clock.advance(1_000)
  await changeRuns.retry('default', { runId: run.id, only: 'failed' })
  await settle()
  assert.deepEqual(
    (await tasksOf(coordinator, run)).map(({ state, attempt }) => [state, attempt]),
    [
      ['succeeded', 1],
      ['queued', 2],
      ['succeeded', 1],
    ],
  )
  await applyReports.execute([reportsFrom('i-1', ends(run, 1, { outcome: 'succeeded', attempt: 2 }))])
  await settle()
  assert.equal((await runOf(coordinator, run.id)).state, 'succeeded')
})

test('shards of a cancelled run do not start: messages go, instances hear of it, waiting ones are cancelled', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeRuns, fake, presence, applyReports } = coordinator
  presence.alive.set('hello', ['i-1'])
  const run = await withRun(coordinator, { mode: 'shards', plan: { shards: 4, maxParallel: 2 } })
  await applyReports.execute([reportsFrom('i-1', ends(run, 0, { type: 'started' }))])
  await changeRuns.cancel('default', run.id)
  await settle()
  assert.deepEqual(
    (await tasksOf(coordinator, run)).map(({ state }) => state),
    ['cancelling', 'cancelled', 'cancelled', 'cancelled'],
  )
  assert.deepEqual(fake.purged, [`carillon.default.work.hello.*.${run.id}.*`])
  assert.deepEqual(
    fake.publishedTo('control.i-1').map(({ taskId }) => taskId),
    [`${run.id}-00000`, run.id],
  )
  await applyReports.execute([reportsFrom('i-1', ends(run, 0, { outcome: 'cancelled' }))])
  await settle()
  assert.equal((await runOf(coordinator, run.id)).state, 'cancelled')
})

test('a shard whose instance is lost is queued again, for any instance with room', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await withRun(coordinator, { mode: 'shards', plan: { shards: 2 } })
  await coordinator.applyReports.execute([reportsFrom('i-1', ends(run, 0, { type: 'started' }))])
  await coordinator.takeOverInstance.execute('default', 'i-1', new AbortController().signal)
  await settle()
  const [task] = await tasksOf(coordinator, run)
  assert.deepEqual([task?.state, task?.reason, task?.attempt, task?.owner], ['queued', 'instance-lost', 2, null])
  assert.equal(coordinator.fake.publishedTo('work.hello').at(-1)?.['attempt'], 2)
})
