import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CarillonError, LIMITS, type MapCall, RUN_STATES, stageTaskId } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { LifeChange, RunRecord, TaskRecord } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, type TestCoordinator } from '../../testing/test-coordinator.ts'

/** A map-reduce that has begun, and its root. */
async function withMap(coordinator: TestCoordinator, fields: Partial<RunRecord> = {}) {
  const run = aRun(1, { mode: 'map-reduce', queuedAt: coordinator.clock.now(), ...fields })
  await coordinator.runs.insert([run])
  await settle()
  const root = stageTaskId(run.id, 'map')
  const map = (call: Partial<MapCall> = {}) =>
    coordinator.mapTasks.execute('default', { taskId: root, attempt: 1, instance: 'i-1', call: 0, name: 'page', items: [1, 2], ...call })
  const write = (id: string, set: LifeChange['set']) => coordinator.store.tasks.update([{ id, expect: { state: RUN_STATES }, set }])
  return { run, root, map, write }
}
const pagesOf = async ({ store }: TestCoordinator, run: RunRecord): Promise<TaskRecord[]> =>
  (await store.tasks.listWhole({ runId: run.id, limit: 1_000 })).items.filter(({ name }) => name === 'page')
const finished = (run: RunRecord, taskId: string, result: unknown) =>
  reportsFrom('i-1', { type: 'finished', runId: run.id, taskId, attempt: 1, outcome: 'succeeded', result })

test('each item becomes a task, published with its name and item; its parent is no leaf any more', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, root, map } = await withMap(coordinator)
  assert.deepEqual(await map({ items: [{ file: 'a' }, null, 'c'] }), { created: 3 })
  assert.deepEqual(
    (await pagesOf(coordinator, run)).map(({ id, state, index, total, item }) => [id, state, index, total, item]),
    [
      [`${root}-000000`, 'queued', 0, 3, '{"file":"a"}'],
      [`${root}-000001`, 'queued', 1, 3, 'null'],
      [`${root}-000002`, 'queued', 2, 3, '"c"'],
    ],
  )
  const [asker] = await coordinator.store.tasks.get([root])
  assert.equal(asker?.mapped, 1)
  const published = coordinator.fake.publishedTo(`work.hello.normal.${run.id}.a-`)
  assert.deepEqual(
    published.map(({ task, item, index, total }) => [task, item, index, total]),
    [
      ['page', { file: 'a' }, 0, 3],
      ['page', null, 1, 3],
      ['page', 'c', 2, 3],
    ],
  )
})

test('the same call makes nothing twice, in whatever attempt; another one under its number is refused', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, root, map, write } = await withMap(coordinator)
  assert.deepEqual(await map(), { created: 2 })
  assert.deepEqual(await map(), { created: 0 })
  await write(root, { attempt: 2, owner: 'i-2', state: 'running' })
  assert.deepEqual(await map({ attempt: 2, instance: 'i-2', items: [8, 9] }), { created: 0 })
  for (const other of [{ items: [8, 9, 10] }, { name: 'other' }])
    await assert.rejects(map({ attempt: 2, instance: 'i-2', ...other }), { code: 'INVALID_REQUEST', message: /2 items for page/ })
  assert.deepEqual(
    (await pagesOf(coordinator, run)).map(({ item }) => item),
    ['1', '2'],
  )
  assert.deepEqual(await map({ attempt: 2, instance: 'i-2', call: 1 }), { created: 2 })
  assert.equal(coordinator.fake.publishedTo(`work.hello.normal.${run.id}.a-`).length, 4)
  await settle()
  assert.equal(coordinator.work.outstanding, 0, 'what was there already is not waited for')
})

test('an attempt that is over, another owner, and a task that has ended are refused, and nothing is made', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, root, map, write } = await withMap(coordinator)
  const refused = async (why: RegExp, call: Partial<MapCall> = {}) => {
    await assert.rejects(map(call), { code: 'TASK_NOT_RUNNING', retry: false, message: why })
    assert.deepEqual(await pagesOf(coordinator, run), [])
  }
  await refused(/it is at attempt 1/, { attempt: 2 })
  await write(root, { attempt: 2, state: 'running', owner: 'i-2' })
  await refused(/it is at attempt 2/)
  await refused(/instance i-2 has it/, { attempt: 2 })
  for (const state of ['succeeded', 'failed', 'timed_out', 'cancelled', 'cancelling', 'delayed', 'waiting'] as const) {
    await write(root, { state })
    await refused(new RegExp(`it is ${state}`), { attempt: 2, instance: 'i-2' })
  }
  await write(root, { state: 'running' })
  for (const state of ['cancelling', 'cancelled', 'failed'] as const) {
    await coordinator.store.runs.update([{ id: run.id, expect: { state: RUN_STATES }, set: { state } }])
    await refused(new RegExp(`its run is ${state}`), { attempt: 2, instance: 'i-2' })
  }
})

test('a task that has ended while its children were made is refused; they are left to the repair', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, root, map, write } = await withMap(coordinator)
  const insert = coordinator.store.tasks.insert
  context.mock.method(coordinator.store.tasks, 'insert', async (tasks: readonly TaskRecord[]) => {
    const outcomes = await insert.call(coordinator.store.tasks, tasks)
    await write(root, { state: 'failed', reason: 'handler-error', endedAt: coordinator.clock.now() })
    return outcomes
  })
  await assert.rejects(map(), { code: 'TASK_NOT_RUNNING', message: /just ended or been taken over/ })
  // Published by nobody yet: the repair does so, should the run go on.
  assert.equal(coordinator.fake.publishedTo(`work.hello.normal.${run.id}.a-`).length, 0)
  assert.deepEqual([...coordinator.work.unconfirmedIds], [`${root}-000000`, `${root}-000001`])
})

test('what does not map cannot ask', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, map } = await withMap(coordinator)
  for (const taskId of [run.id, stageTaskId(run.id, 'reduce'), stageTaskId(run.id, 'merge'), `${run.id}-00000`, 'run0000000000999-a'])
    await assert.rejects(map({ taskId }), { code: 'INVALID_REQUEST', message: /cannot map/ }, taskId)
  const root = stageTaskId(run.id, 'map')
  const call = { taskId: root, attempt: 1, instance: 'i-1', call: 0, name: 'page', items: [1] }
  await assert.rejects(coordinator.mapTasks.execute('shop', call), { code: 'INVALID_REQUEST' })
})

test('maps are nested until ids are too long; an item over the limit spoils its call alone', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, root, map } = await withMap(coordinator)
  const large = ['x', 'x'.repeat(LIMITS.itemBytes)]
  await assert.rejects(map({ items: large }), (error: CarillonError) => {
    assert.deepEqual([error.code, error.details.field], ['ITEM_TOO_LARGE', 'items.1'])
    return true
  })
  assert.deepEqual(await pagesOf(coordinator, run), [])
  let taskId = root
  let levels = 0
  const goDeeper = async () => {
    for (; levels < 50; levels++) {
      await map({ taskId, items: [levels] })
      taskId = `${taskId}-000000`
    }
  }
  await assert.rejects(goDeeper(), { code: 'MAP_TOO_DEEP' })
  assert.ok(levels >= 11, `${levels} levels`)
  assert.ok(taskId.length <= LIMITS.taskIdLength)
})

test('when the store fails it is not known what was made: the repair decides, and the call may be repeated', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, root, map } = await withMap(coordinator)
  const ids = [`${root}-000000`, `${root}-000001`]
  for (const method of ['insert', 'update'] as const) {
    const broken = context.mock.method(coordinator.store.tasks, method, () => Promise.reject(new Error('the store is away')))
    await assert.rejects(map(), /the store is away/)
    assert.deepEqual([...coordinator.work.unconfirmedIds], ids, method)
    broken.mock.restore()
  }
  // They were made, and then it failed: the repeated call makes none, and whether they are published is as doubtful as before.
  assert.deepEqual(await map(), { created: 0 })
  assert.equal((await pagesOf(coordinator, run)).length, 2)
  assert.equal(coordinator.fake.publishedTo(`work.hello.normal.${run.id}.a-`).length, 0)
  assert.deepEqual([[...coordinator.work.unconfirmedIds], coordinator.work.outstanding], [ids, 2])
})

test('with maxParallel what is mapped waits until it is freed', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, root, map } = await withMap(coordinator, { plan: { maxParallel: 3 } })
  assert.deepEqual(await map({ items: [1, 2, 3, 4, 5] }), { created: 5 })
  await settle()
  const states = async () => (await pagesOf(coordinator, run)).map(({ state }) => state).join(' ')
  // The root is under way itself.
  assert.equal(await states(), 'queued queued waiting waiting waiting')
  await coordinator.applyReports.execute([finished(run, root, null)])
  await settle()
  assert.equal(await states(), 'queued queued queued waiting waiting')
})

test('while the broker is far behind tasks that map have to wait', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { map } = await withMap(coordinator)
  for (let i = 0; i <= 10_000; i++) coordinator.work.expect({ id: `t-${i}`, attempt: 1, queuedAt: 0 })
  await assert.rejects(map(), { code: 'QUEUE_FULL', retry: true })
})
