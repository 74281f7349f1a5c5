import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settle } from '@carillon/runtime/testing'
import type { RunRecord, TaskRecord } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

async function withRun(coordinator: TestCoordinator, fields: Partial<RunRecord> = {}): Promise<RunRecord> {
  const run = aRun(1, { mode: 'broadcast', queuedAt: coordinator.clock.now(), ...fields })
  await coordinator.writer.insert([run])
  await settle()
  return run
}
const tasksOf = async ({ store }: TestCoordinator, run: RunRecord): Promise<TaskRecord[]> =>
  (await store.tasks.list({ runId: run.id, limit: 100 })).items
const ends = (run: RunRecord, index: number, fields: { outcome?: string; attempt?: number; type?: string }) => ({
  runId: run.id,
  taskId: `${run.id}-${index}`,
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
    [0, 1, 2].map((i) => [`carillon.default.direct.i-${i}`, `${run.id}-${i}`]),
  )
  assert.equal(coordinator.fake.said('work.').length, 0)
  await coordinator.broadcast.execute(run.id)
  assert.equal((await tasksOf(coordinator, run)).length, 3)
})

test('without an instance it waits, and looks again', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const armed: number[] = []
  coordinator.writer.arm = coordinator.broadcast.arm = ({ wakeAt }) => armed.push(wakeAt)
  const run = await withRun(coordinator)
  assert.deepEqual([(await runOf(coordinator, run.id)).state, armed], ['queued', [coordinator.clock.now() + 2_000]])
  coordinator.presence.alive.set('hello', ['i-0'])
  await coordinator.clock.advance(2_000)
  await coordinator.wakeRuns.execute([run.id])
  await settle()
  assert.equal((await runOf(coordinator, run.id)).state, 'running')
})

test('an offer that is refused or not heard of is made again by its wakeAt', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { broadcast, clock, fake, presence } = coordinator
  presence.alive.set('hello', ['i-0'])
  fake.answerOffer = () => ({ accepted: false, reason: 'busy' })
  const run = await withRun(coordinator)
  const [task] = await tasksOf(coordinator, run)
  assert.equal(task?.wakeAt, clock.now() + 1_000)
  await clock.advance(1_000)
  fake.answerOffer = () => {
    throw new Error('timeout')
  }
  await broadcast.wakeTask(task?.id ?? '')
  assert.equal((await tasksOf(coordinator, run))[0]?.wakeAt, clock.now() + 2_000)
  assert.equal(fake.offers.length, 2)
})

test('a run that is cancelled while its tasks are being made begins none of them', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, fake, presence, broadcast, clock } = coordinator
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
  for (const task of await tasksOf(coordinator, run)) await broadcast.wakeTask(task.id)
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
  await Promise.all([coordinator.broadcast.execute(run.id), other.broadcast.execute(run.id)])
  assert.equal(coordinator.fake.offers.length + other.fake.offers.length, 2)
})

test('a leg whose instance is lost goes to an unused one, and ends when there is none', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { presence, loseInstance, fake } = coordinator
  presence.alive.set('hello', ['i-0'])
  const run = await withRun(coordinator)
  await coordinator.applyReports.execute([reportsFrom('i-0', ends(run, 0, { type: 'started' }))])
  presence.alive.set('hello', ['i-1'])
  await loseInstance.execute('default', 'i-0', new AbortController().signal)
  const [moved] = await tasksOf(coordinator, run)
  assert.deepEqual([moved?.state, moved?.target, moved?.attempt, moved?.owner], ['queued', 'i-1', 2, null])
  assert.deepEqual(fake.offers.at(-1)?.subject, 'carillon.default.direct.i-1')
  await coordinator.applyReports.execute([reportsFrom('i-1', ends(run, 0, { type: 'started', attempt: 2 }))])
  await loseInstance.execute('default', 'i-1', new AbortController().signal)
  await settle()
  const [ended] = await tasksOf(coordinator, run)
  assert.deepEqual([ended?.state, ended?.reason], ['failed', 'instance-lost'])
  assert.deepEqual([(await runOf(coordinator, run.id)).state, (await runOf(coordinator, run.id)).reason], ['failed', 'tasks-failed'])
})

test('a retried run runs its tasks again, once, also when that is done twice', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { presence, changeRuns, broadcast, clock, fake } = coordinator
  presence.alive.set('hello', ['i-0', 'i-1'])
  const run = await withRun(coordinator)
  await coordinator.applyReports.execute([reportsFrom('i-0', ends(run, 0, { outcome: 'succeeded' }))])
  await coordinator.applyReports.execute([reportsFrom('i-1', ends(run, 1, { outcome: 'failed' }))])
  assert.equal((await runOf(coordinator, run.id)).state, 'failed')
  await clock.advance(1_000)
  await changeRuns.retry('default', run.id)
  await settle()
  await broadcast.execute(run.id)
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
  assert.equal((await runOf(coordinator, run.id)).state, 'succeeded')
})
