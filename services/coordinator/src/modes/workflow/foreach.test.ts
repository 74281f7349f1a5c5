import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS, taskIdOf } from '@carillon/contracts'
import type { RunRecord } from '@carillon/store'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../../testing/workflow-runs.ts'

const nodesOf = (more: object = {}, list = 'payload.list') => [
  { id: 'each', foreach: list, handler: 'ship', ...more },
  { id: 'z', handler: 'z', after: 'each', payload: 'nodes.each.result' },
]

async function started(coordinator: TestCoordinator, list: unknown, more: object = {}): Promise<WorkflowRun> {
  return WorkflowRun.start(coordinator, { nodes: nodesOf(more) as never }, { list })
}

async function childOf(coordinator: TestCoordinator, run: WorkflowRun, generation = 1): Promise<RunRecord> {
  const task = await run.task('each', generation)
  return runOf(coordinator, task?.node?.child ?? '')
}

/** Items end, each with the report of its task. */
async function end(coordinator: TestCoordinator, child: RunRecord, outcomes: Readonly<Record<number, string>>): Promise<void> {
  for (const [index, outcome] of Object.entries(outcomes)) {
    const [task] = await coordinator.store.tasks.get([taskIdOf(child.id, Number(index))])
    const error = outcome === 'failed' ? { error: { name: 'Error', message: `no ${index}` } } : {}
    const report = { runId: child.id, taskId: task?.id, attempt: task?.attempt, type: 'finished', outcome, ...error }
    await coordinator.applyReports.execute([reportsFrom('i-1', report)])
  }
  await turns()
}

const statesOf = async ({ store }: TestCoordinator, { id }: RunRecord) =>
  (await store.tasks.list({ runId: id, limit: 100 })).items.map(({ state }) => state).join(' ')

test('each item is a task of a child run; what follows sees how many have succeeded and failed, not their results (20)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await started(coordinator, ['a', { b: 1 }, null], { attempts: 2 })
  const child = await childOf(coordinator, run)
  assert.deepEqual([child.mode, child.handler, child.job, child.plan, child.tries], ['shards', 'ship', null, { shards: 3, each: true }, 2])
  const bodies = coordinator.fake.publishedTo('work.') as { item: unknown; index: number; total: number; payload: unknown }[]
  assert.deepEqual(
    bodies.map(({ item, index, total }) => [item, index, total]),
    [
      ['a', 0, 3],
      [{ b: 1 }, 1, 3],
      [null, 2, 3],
    ],
  )
  assert.deepEqual(
    bodies.map(({ payload }) => payload),
    ['a', { b: 1 }, null],
  )
  await end(coordinator, child, { 0: 'succeeded', 1: 'succeeded' })
  assert.equal((await run.task('each'))?.state, 'running')
  await end(coordinator, child, { 2: 'succeeded' })
  assert.equal((await run.task('each'))?.result, '{"total":3,"succeeded":3,"failed":0}')
  assert.deepEqual((coordinator.fake.publishedTo('work.').at(-1) as { payload: unknown }).payload, { total: 3, succeeded: 3, failed: 0 })
})

test('with a payload of its own each task has that beside its item', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await started(coordinator, ['a', 'b'], { payload: "{'first': payload.list[0]}" })
  const bodies = coordinator.fake.publishedTo('work.') as { item: unknown; payload: unknown }[]
  assert.deepEqual(
    bodies.map(({ item, payload }) => [item, payload]),
    [
      ['a', { first: 'a' }],
      ['b', { first: 'a' }],
    ],
  )
})

test('a list without items has succeeded, without a child run, and what follows goes on (13)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await started(coordinator, [])
  assert.equal(await run.states(), 'each:succeeded z:queued')
  assert.equal((await run.task('each'))?.result, '{"total":0,"succeeded":0,"failed":0}')
  assert.deepEqual((await coordinator.store.runs.children({ of: run.id, limit: 10 })).items, [])
})

test('a list of a branch that is not taken is not evaluated (13)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = [{ id: 'd', decision: [{ when: 'false', to: 'each' }, { otherwise: 'z' }] }, ...nodesOf({}, 'payload.not.there')]
  const run = await WorkflowRun.start(coordinator, { nodes: nodes as never }, {})
  assert.equal(await run.states(), 'd:succeeded z:queued')
})

test('what is no list, and a list that is too long or too large, fails the node before its first item (15)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const error = async (list: unknown, text = 'payload.list') => {
    const run = await WorkflowRun.start(coordinator, { nodes: nodesOf({}, text) as never }, { list })
    const task = await run.task('each')
    assert.deepEqual([task?.state, task?.reason], ['failed', 'not-startable'])
    assert.deepEqual((await coordinator.store.runs.children({ of: run.id, limit: 10 })).items, [])
    return `${task?.error?.name}: ${task?.error?.message}`
  }
  assert.equal(await error({ a: 1 }), 'INVALID_ITEMS: foreach is wrong: "payload.list" is a map')
  assert.equal(await error('text'), 'INVALID_ITEMS: foreach is wrong: "payload.list" is a string')
  assert.equal(await error(null), 'INVALID_ITEMS: foreach is wrong: "payload.list" is null')
  assert.equal(await error(7), 'INVALID_ITEMS: foreach is wrong: "payload.list" is a number')
  const many = Array.from({ length: LIMITS.foreachItems + 1 }, (_, i) => i % 10)
  assert.equal(await error(many), 'INVALID_ITEMS: foreach is wrong: "payload.list" is a list of 100,001 items')
  const large = ['x'.repeat(40_000)]
  assert.match(
    await error(large, `[${Array.from({ length: 110 }, () => 'payload.list[0]').join(', ')}]`),
    /^INVALID_ITEMS: .* is a list of 4,\d+,\d+ bytes/,
  )
})

test('what can never be a list is refused when the workflow is put', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const put = (text: string) => coordinator.changeJobs.put('default', { name: 'order', workflow: { nodes: nodesOf({}, text) } } as never)
  for (const text of ['null', '"text"', '7', '{"a": 1}', 'size(payload)', 'payload.n > 1'])
    await assert.rejects(put(text), { code: 'INVALID_WORKFLOW', message: /must be a list/ }, text)
  for (const text of [
    'payload',
    '[]',
    '[1, 2]',
    'payload.a.map(x, x + 1)',
    'payload.a ? [1] : payload.b',
    'payload.a + [1]',
    'payload.t.split(",")',
    'dyn(1)',
  ])
    await put(text)
})

test('by default all other items run, then the node has failed, with counts and the first errors (16, 17)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await started(coordinator, [0, 1, 2, 3, 4], { onFailure: 'skip' })
  const child = await childOf(coordinator, run)
  await end(coordinator, child, { 1: 'failed', 0: 'succeeded', 3: 'failed', 2: 'succeeded' })
  assert.equal((await run.task('each'))?.state, 'running')
  await end(coordinator, child, { 4: 'succeeded' })
  const task = await run.task('each')
  assert.deepEqual([task?.state, task?.result], ['failed', '{"total":5,"succeeded":3,"failed":2}'])
  assert.match(task?.error?.message ?? '', /run \w+ of ship ended as failed: 2 of 5 tasks failed; item 1: no 1; item 3: no 3$/)
  // What follows a node that has failed and is skipped sees the counts as well, never a list with holes.
  assert.deepEqual((coordinator.fake.publishedTo('work.').at(-1) as { payload: unknown }).payload, { total: 5, succeeded: 3, failed: 2 })
})

test('a list of which all items have failed: what follows sees the counts (17)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await started(coordinator, [0, 1], { onFailure: 'skip' })
  await end(coordinator, await childOf(coordinator, run), { 0: 'failed', 1: 'failed' })
  assert.equal(await run.states(), 'each:failed z:queued')
  assert.deepEqual((coordinator.fake.publishedTo('work.').at(-1) as { payload: unknown }).payload, { total: 2, succeeded: 0, failed: 2 })
})

test('items that have failed are tolerated up to a number or a share (16)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await started(coordinator, [0, 1, 2, 3], { tolerate: '25%' })
  await end(coordinator, await childOf(coordinator, run), { 0: 'failed', 1: 'succeeded', 2: 'succeeded', 3: 'succeeded' })
  const task = await run.task('each')
  assert.deepEqual([task?.state, task?.result], ['succeeded', '{"total":4,"succeeded":3,"failed":1}'])
})

test('with failFast no further item begins after a failure that is not tolerated; what runs ends (16)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await started(coordinator, [0, 1, 2, 3, 4, 5], { maxParallel: 2, failFast: true, tolerate: 1 })
  const child = await childOf(coordinator, run)
  assert.equal(await statesOf(coordinator, child), 'queued queued waiting waiting waiting waiting')
  await end(coordinator, child, { 0: 'failed' })
  assert.equal(await statesOf(coordinator, child), 'failed queued queued waiting waiting waiting')
  await end(coordinator, child, { 1: 'failed' })
  assert.equal(await statesOf(coordinator, child), 'failed failed queued cancelled cancelled cancelled')
  await end(coordinator, child, { 2: 'succeeded' })
  assert.equal((await run.task('each'))?.result, '{"total":6,"succeeded":1,"failed":2}')
  await assert.rejects(started(coordinator, [], { failFast: true }), {
    code: 'INVALID_WORKFLOW',
    message: /nodes.0.failFast is wrong: all items are given to instances at once/,
  })
})

test('a retry of what failed goes on with the same list, and those items alone, whatever its expression gives now (18) (19)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = [
    { id: 'list', handler: 'list' },
    { id: 'each', foreach: 'nodes.list.result', handler: 'ship', after: 'list' },
  ]
  const run = await WorkflowRun.start(coordinator, { nodes })
  await run.ends('list', { result: ['a', 'b', 'c'] })
  const child = await childOf(coordinator, run)
  await end(coordinator, child, { 0: 'succeeded', 1: 'failed', 2: 'succeeded' })
  assert.equal((await run.record()).state, 'failed')
  await coordinator.changeRuns.retry('default', { runId: run.id, only: 'failed' })
  await turns()
  assert.equal((await childOf(coordinator, run, 2)).id, child.id)
  assert.equal(await statesOf(coordinator, child), 'succeeded queued succeeded')
  await end(coordinator, child, { 1: 'succeeded' })
  assert.equal((await run.task('each', 2))?.result, '{"total":3,"succeeded":3,"failed":0}')
  // From the producer on: another list, whose items take nothing over by their places.
  await coordinator.changeRuns.retry('default', { runId: run.id, fromNode: 'list' })
  await turns()
  await run.ends('list', { generation: 2, result: ['new', 'a', 'b', 'c'] })
  const other = await childOf(coordinator, run, 3)
  assert.notEqual(other.id, child.id)
  assert.equal(await statesOf(coordinator, other), 'queued queued queued queued')
})

test('all items are made, also when the coordinator stops between two pages of them, before the first one ends the node (14)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store } = coordinator
  const insert = store.tasks.insert.bind(store.tasks)
  let pages = 0
  store.tasks.insert = (tasks) => {
    if ((tasks[0]?.total ?? 0) > 1_000 && ++pages === 3) return Promise.reject(new Error('killed'))
    return insert(tasks)
  }
  const run = await started(
    coordinator,
    Array.from({ length: 6_000 }, (_, i) => i),
  )
  for (let i = 0; i < 10; i++) await turns()
  const child = await childOf(coordinator, run)
  assert.deepEqual([child.state, (await store.tasks.tally({ runId: child.id }))[0]?.count], ['queued', 1_000])
  store.tasks.insert = insert
  await coordinator.clock.advance(10_000)
  await coordinator.wakeLives.execute([child.id])
  for (let i = 0; i < 10; i++) await turns()
  assert.equal((await runOf(coordinator, child.id)).state, 'running')
  const tally = await store.tasks.tally({ runId: child.id })
  assert.deepEqual(
    tally.map(({ state, count }) => [state, count]),
    [['queued', 6_000]],
  )
  // All but one have ended: the node waits for the last one, which is not counted each time.
  const ids = Array.from({ length: 5_999 }, (_, i) => taskIdOf(child.id, i))
  await store.tasks.update(ids.map((id) => ({ id, expect: { state: ['queued'] }, set: { state: 'succeeded', endedAt: 1 } })))
  await coordinator.advance.execute(child.id)
  await turns()
  assert.equal((await runOf(coordinator, child.id)).state, 'running')
  await end(coordinator, child, { 5999: 'succeeded' })
  assert.equal((await run.task('each'))?.result, '{"total":6000,"succeeded":6000,"failed":0}')
})

test('the tree of a run counts the items of its nodes', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await started(coordinator, [0, 1, 2])
  const child = await childOf(coordinator, run)
  await end(coordinator, child, { 0: 'succeeded', 1: 'failed' })
  const tree = await coordinator.readTree.execute('default', run.id)
  const [node] = tree.nodes ?? []
  assert.deepEqual([node?.kind, node?.childRunId, node?.items], ['foreach', child.id, { total: 3, succeeded: 1, failed: 1 }])
})

test('a cancel of the run cancels the items, and a report that comes late changes nothing', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await started(coordinator, [0, 1], { maxParallel: 1 })
  const child = await childOf(coordinator, run)
  await coordinator.changeRuns.cancel('default', run.id)
  await turns()
  assert.equal(await statesOf(coordinator, child), 'cancelled cancelled')
  await end(coordinator, child, { 0: 'succeeded' })
  assert.deepEqual([(await runOf(coordinator, child.id)).state, (await run.record()).state], ['cancelled', 'cancelled'])
})
