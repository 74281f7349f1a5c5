import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS, nodeTaskId, parseInput, startRunSchema, workflowSchema } from '@carillon/contracts'
import type { RunRecord } from '@carillon/store'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../../testing/workflow-runs.ts'

const PARENT = {
  nodes: [
    { id: 'a', handler: 'h' },
    { id: 'sub', job: 'part', after: 'a', payload: "{'of': payload.id}" },
    { id: 'z', handler: 'z', after: 'sub', payload: 'nodes.sub.result' },
  ],
}

/** A parent whose node `sub` has begun, with its child. */
async function within(coordinator: TestCoordinator, part: object = { handler: 'work' }): Promise<{ run: WorkflowRun; child: RunRecord }> {
  await coordinator.changeJobs.put('default', { name: 'part', ...part } as never)
  const run = await WorkflowRun.start(coordinator, PARENT, { id: 7 })
  await run.ends('a', { context: { who: 'ada', kept: 1 } })
  return { run, child: await childOf(coordinator, run, 'sub') }
}

async function childOf(coordinator: TestCoordinator, run: WorkflowRun, at: string): Promise<RunRecord> {
  const [node = '', generation = '1'] = at.split('#')
  const task = await run.task(node, Number(generation))
  assert.ok(task?.node?.child, `node ${node} waits for no run`)
  return runOf(coordinator, task.node.child)
}

async function ends(coordinator: TestCoordinator, run: RunRecord, fields: object = {}): Promise<void> {
  const { attempt } = await runOf(coordinator, run.id)
  const report = { runId: run.id, taskId: run.id, attempt, type: 'finished', outcome: 'succeeded', ...fields }
  await coordinator.applyReports.execute([reportsFrom('i-1', report)])
  await turns()
}

const workflowOf = (nodes: readonly object[], more: object = {}) => ({ workflow: parseInput(workflowSchema, { nodes, ...more }) })

test('a node of kind job is a run of its job, and has its result', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, child } = await within(coordinator, { handler: 'work', attempts: 3 })
  const { parentTask, payload, handler, job, trigger, attempts } = child
  assert.deepEqual([handler, job, trigger, attempts, payload], ['work', 'part', 'run', 3, '{"of":7}'])
  assert.equal(parentTask, (await run.task('sub'))?.id)
  assert.equal(await run.states(), 'a:succeeded sub:running')
  await ends(coordinator, child, { result: { ref: 1 } })
  assert.equal(await run.states(), 'a:succeeded sub:succeeded z:queued')
  assert.equal((await run.task('sub'))?.result, '{"ref":1}')
  await run.ends('z')
  assert.equal((await run.record()).state, 'succeeded')
  const { items } = await coordinator.store.runs.children({ of: run.id, limit: 10 })
  assert.deepEqual(
    items.map(({ id }) => id),
    [child.id],
  )
})

test('a workflow within another one begins with its context, and gives back the keys that it has set, no others', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = [
    { id: 'x', handler: 'x', payload: 'context.who' },
    { id: 'y', handler: 'y', after: 'x' },
  ]
  const { run, child } = await within(coordinator, workflowOf(nodes, { output: "{'sum': 3}" }))
  assert.equal(child.mode, 'workflow')
  const part = new WorkflowRun(coordinator, { id: child.id, nodes: ['x', 'y'] })
  const body = coordinator.fake.publishedTo('work.').at(-1) as { payload: unknown; context: object }
  assert.deepEqual([body.payload, body.context], ['ada', { who: 'ada', kept: 1 }])
  // A sibling that changes a key in between is not undone by the end of the child.
  await part.ends('x', { context: { who: 'bob' } })
  await part.ends('y', { context: { done: true } })
  const task = await run.task('sub')
  assert.deepEqual([task?.result, JSON.parse(task?.context ?? '')], ['{"sum":3}', { who: 'bob', done: true }])
  assert.deepEqual((coordinator.fake.publishedTo('work.').at(-1) as { context: object }).context, { who: 'bob', kept: 1, done: true })
})

test('a context that is too large to be given back fails the node', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = ['x', 'y', 'w'].map((id) => ({ id, handler: id }))
  const { run, child } = await within(coordinator, workflowOf(nodes))
  const part = new WorkflowRun(coordinator, { id: child.id, nodes: ['x', 'y', 'w'] })
  for (const id of ['x', 'y', 'w']) await part.ends(id, { context: { [id]: 'x'.repeat(LIMITS.contextBytes / 2) } })
  const task = await run.task('sub')
  assert.deepEqual([task?.state, task?.error?.name], ['failed', 'CONTEXT_TOO_LARGE'])
  assert.match(task?.error?.message ?? '', /the largest keys: "x" \d+, "y"/)
})

test('a child run that fails for good fails its node with its error (47)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, child } = await within(coordinator)
  await ends(coordinator, child, { outcome: 'failed', error: { name: 'Broke', message: 'no money' } })
  const task = await run.task('sub')
  assert.deepEqual([task?.state, task?.reason, task?.error?.name], ['failed', 'child-failed', 'Broke'])
  assert.equal(task?.error?.message, `run ${child.id} of part ended as failed: no money`)
  assert.equal((await run.record()).state, 'failed')
})

test('a child run that is cancelled tells its parent; it gets no new attempt, however many are left (43)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, child } = await within(coordinator, { handler: 'work', attempts: 5 })
  await coordinator.applyReports.execute([reportsFrom('i-1', { runId: child.id, taskId: child.id, attempt: 1, type: 'started' })])
  await coordinator.changeRuns.cancel('default', child.id)
  await ends(coordinator, child, { outcome: 'failed', error: { name: 'Error', message: 'while it was being cancelled' } })
  assert.equal((await runOf(coordinator, child.id)).attempt, 1)
  assert.deepEqual(
    [(await runOf(coordinator, child.id)).state, (await run.task('sub'))?.state, (await run.record()).state],
    ['failed', 'failed', 'failed'],
  )
})

test('a cancel goes down the tree, and nothing starts any more', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await coordinator.changeJobs.put('default', { name: 'leaf', handler: 'deep' } as never)
  const { run, child } = await within(
    coordinator,
    workflowOf([
      { id: 'x', job: 'leaf' },
      { id: 'y', handler: 'y', after: 'x' },
    ]),
  )
  const part = new WorkflowRun(coordinator, { id: child.id, nodes: ['x', 'y'] })
  const leaf = await childOf(coordinator, part, 'x')
  await coordinator.applyReports.execute([reportsFrom('i-1', { runId: leaf.id, taskId: leaf.id, attempt: 1, type: 'started' })])
  await coordinator.changeRuns.cancel('default', run.id)
  await turns()
  assert.deepEqual([(await runOf(coordinator, leaf.id)).state, (await runOf(coordinator, child.id)).state], ['cancelling', 'cancelling'])
  assert.equal((await run.record()).state, 'cancelling')
  await ends(coordinator, leaf, { outcome: 'cancelled' })
  for (const id of [leaf.id, child.id, run.id]) assert.equal((await runOf(coordinator, id)).state, 'cancelled', id)
  assert.equal(await part.states(), 'x:cancelled')
})

test('a child whose parent is cancelled while it is being started never starts: its id is taken (42)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await coordinator.changeJobs.put('default', { name: 'part', handler: 'work' } as never)
  const { startRuns } = coordinator
  const execute = startRuns.execute.bind(startRuns)
  const held: (() => Promise<unknown>)[] = []
  // The coordinator that has stored the task is slow: its insert of the child run comes late.
  startRuns.execute = (items) =>
    items[0]?.parent ? new Promise((resolve) => held.push(async () => resolve(await execute(items)))) : execute(items)
  const run = await WorkflowRun.start(coordinator, { nodes: [{ id: 'sub', job: 'part' }] })
  assert.equal((await run.task('sub'))?.state, 'running')
  const id = (await run.task('sub'))?.node?.child ?? ''
  await coordinator.changeRuns.cancel('default', run.id)
  // The first reconciliation still waits for its write: another coordinator does this one.
  for (let i = 0; i < 3; i++) {
    await coordinator.advance.execute(run.id)
    await turns()
  }
  const never = await runOf(coordinator, id)
  assert.deepEqual([never.state, never.reason, (await run.record()).state], ['cancelled', 'parent-ended', 'cancelled'])
  await held[0]?.()
  await turns()
  assert.equal((await runOf(coordinator, id)).state, 'cancelled')
  assert.deepEqual(coordinator.fake.publishedTo('work.'), [])
})

test('a node that is stopped ends when its child run has', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, child } = await within(coordinator)
  await coordinator.changeNodes.stop('default', { runId: run.id, node: 'sub' })
  await turns()
  assert.deepEqual([(await runOf(coordinator, child.id)).state, (await run.task('sub'))?.state], ['cancelled', 'cancelled'])
  assert.equal((await run.record()).state, 'cancelled')
})

test('the end of a child run is found by the wakeAt of its parent alone', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, child } = await within(coordinator)
  const { advance } = coordinator
  const soon = advance.soon.bind(advance)
  advance.soon = () => undefined
  await ends(coordinator, child)
  assert.equal((await run.task('sub'))?.state, 'running')
  advance.soon = soon
  await coordinator.clock.advance(30_000)
  await coordinator.wakeLives.execute([run.id])
  await turns()
  assert.equal((await run.task('sub'))?.state, 'succeeded')
})

test('a job that is not there, and one that would wait for itself, fail their node', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await coordinator.changeJobs.put('default', { name: 'part', ...workflowOf([{ id: 'x', job: 'order' }]) } as never)
  const run = await WorkflowRun.start(coordinator, { nodes: [{ id: 'sub', job: 'part' }] })
  await turns()
  const task = await run.task('sub')
  assert.match(
    task?.error?.message ?? '',
    /ended as failed: node x: run \w+ of order ended as failed: order → part → order: a run of "order" waits/,
  )
  const wrong = coordinator.changeJobs.put('default', { name: 'self', ...workflowOf([{ id: 'x', job: 'self' }]) } as never)
  await assert.rejects(wrong, { code: 'INVALID_WORKFLOW', message: /nodes.0.job is wrong: a run of it would wait for itself/ })
})

test('ten runs may be within one another, and not eleven', async (context) => {
  const coordinator = await createTestCoordinator(context)
  for (let level = 11; level > 1; level--)
    await coordinator.changeJobs.put('default', {
      name: `level-${level}`,
      ...workflowOf([{ id: 'x', job: `level-${level + 1}` }]),
    } as never)
  const run = await WorkflowRun.start(coordinator, { nodes: [{ id: 'x', job: 'level-2' }] })
  for (let i = 0; i < 40; i++) await turns()
  const { state, error } = await run.record()
  assert.equal(state, 'failed')
  const { items } = await coordinator.store.runs.list({ namespace: 'default', limit: 100 })
  assert.equal(items.length, 11)
  assert.match(error?.message ?? '', /^node x: run \w+ of level-2 ended as failed/)
  const last = items.find(({ job, handler }) => job === null && handler === 'level-11')
  assert.match(last?.error?.message ?? '', /order → level-2 → .* → level-11: 10 runs are within one another, 10 may be/)
})

test('a retry of what failed goes on with the child run where that failed; from its node it begins another one (27) (28)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = [
    { id: 'x', handler: 'x' },
    { id: 'y', handler: 'y', after: 'x' },
  ]
  const { run, child } = await within(coordinator, workflowOf(nodes))
  const part = new WorkflowRun(coordinator, { id: child.id, nodes: ['x', 'y'] })
  await part.ends('x', { result: 1 })
  await part.ends('y', { outcome: 'failed', error: { name: 'Error', message: 'no' } })
  assert.equal((await run.record()).state, 'failed')
  await assert.rejects(
    coordinator.changeRuns.retry('default', { runId: child.id }),
    (error: { code: string; details: { hint: string } }) => {
      assert.equal(error.code, 'CHILD_RUN')
      assert.match(error.details.hint, new RegExp(`carillon runs retry ${run.id} --failed`))
      return true
    },
  )
  await coordinator.changeRuns.retry('default', { runId: run.id, only: 'failed' })
  await turns()
  assert.equal(await run.states(), 'a:succeeded sub:failed sub:running')
  assert.equal((await childOf(coordinator, run, 'sub#2')).id, child.id)
  assert.equal(await part.states(), 'x:succeeded y:failed y:queued')
  await assert.rejects(coordinator.changeRuns.retry('default', { runId: child.id }), { code: 'RUN_OPEN' })
  await part.ends('y', { generation: 2 })
  assert.equal((await run.task('sub', 2))?.state, 'succeeded')
  await run.ends('z', { generation: 2 })
  assert.equal((await run.record()).state, 'succeeded')
  await coordinator.changeRuns.retry('default', { runId: run.id, fromNode: 'sub' })
  await turns()
  const other = await childOf(coordinator, run, 'sub#3')
  assert.notEqual(other.id, child.id)
  assert.deepEqual([other.state, (await runOf(coordinator, child.id)).state], ['running', 'succeeded'])
})

test('a node that is said to have succeeded within a child run lets its parent go on when that is retried (30)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, child } = await within(coordinator, workflowOf([{ id: 'x', handler: 'x' }]))
  const part = new WorkflowRun(coordinator, { id: child.id, nodes: ['x'] })
  await part.ends('x', { outcome: 'failed', error: { name: 'Error', message: 'no' } })
  await coordinator.changeNodes.succeed('default', { runId: child.id, node: 'x', result: 1 }, { by: 'ada' })
  await turns()
  assert.deepEqual([(await part.task('x'))?.state, (await part.task('x'))?.node?.by], ['succeeded', 'ada'])
  assert.equal((await runOf(coordinator, child.id)).state, 'failed')
  await coordinator.changeRuns.retry('default', { runId: run.id, only: 'failed' })
  await turns()
  assert.deepEqual([(await runOf(coordinator, child.id)).state, (await run.task('sub', 2))?.state], ['succeeded', 'succeeded'])
})

test('a child run that was refused is not gone on with: a retry of what failed begins another one', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, { nodes: [{ id: 'sub', job: 'order' }] }).catch(() => undefined)
  assert.equal(run, undefined)
  await coordinator.changeJobs.put('default', { name: 'part', ...workflowOf([{ id: 'x', job: 'order' }]) } as never)
  const parent = await WorkflowRun.start(coordinator, { nodes: [{ id: 'sub', job: 'part' }] })
  await turns()
  const refused = await childOf(coordinator, parent, 'sub')
  const part = new WorkflowRun(coordinator, { id: refused.id, nodes: ['x'] })
  const first = await childOf(coordinator, part, 'x')
  assert.deepEqual([first.state, first.reason], ['failed', 'not-startable'])
  await coordinator.changeRuns.retry('default', { runId: parent.id, only: 'failed' })
  await turns()
  assert.notEqual((await childOf(coordinator, part, 'x#2')).id, first.id)
})

test('what was started for a run that has ended is cancelled, and its task with it', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, child } = await within(coordinator)
  const { store, clock, advance } = coordinator
  // As when its change could not be stored.
  await store.runs.update([
    { id: run.id, expect: { state: ['running'] }, set: { state: 'failed', reason: 'internal-error', endedAt: clock.now(), wakeAt: null } },
  ])
  await advance.execute(run.id)
  await turns()
  assert.deepEqual([(await runOf(coordinator, child.id)).state, (await run.task('sub'))?.state], ['cancelled', 'cancelled'])
})

test('a retried parent goes on at once with what its child run has done while it was ended (26)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, child } = await within(coordinator)
  const { store, clock, changeRuns } = coordinator
  await store.runs.update([
    { id: run.id, expect: { state: ['running'] }, set: { state: 'failed', reason: 'internal-error', endedAt: clock.now(), wakeAt: null } },
  ])
  const { advance } = coordinator
  const soon = advance.soon.bind(advance)
  advance.soon = () => undefined
  await ends(coordinator, child, { result: 5 })
  const id = nodeTaskId(run.id, 1, 1)
  await store.tasks.update([
    { id, expect: { state: ['running'] }, set: { state: 'failed', reason: 'internal-error', endedAt: clock.now() } },
  ])
  advance.soon = soon
  await changeRuns.retry('default', { runId: run.id, only: 'failed' })
  await turns()
  assert.deepEqual([(await run.task('sub', 2))?.state, (await run.task('sub', 2))?.result], ['succeeded', '5'])
})

test('who starts a run cannot say whose child it is (27)', () => {
  assert.throws(() => parseInput(startRunSchema, { job: 'part', parentTask: 'x' }))
})

test('with failFast a child run that has succeeded, which nothing has recorded yet, is recorded so, and the run ends (45)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await coordinator.changeJobs.put('default', { name: 'part', handler: 'work' } as never)
  const nodes = [
    { id: 'sub', job: 'part' },
    { id: 'x', handler: 'x' },
    { id: 'z', handler: 'z', after: 'sub' },
  ]
  const run = await WorkflowRun.start(coordinator, { failFast: true, nodes })
  const { advance } = coordinator
  const soon = advance.soon.bind(advance)
  advance.soon = () => undefined
  await ends(coordinator, await childOf(coordinator, run, 'sub'), { result: 1 })
  advance.soon = soon
  assert.equal(await run.states(), 'sub:running x:queued')
  await run.ends('x', { outcome: 'failed', error: { name: 'Error', message: 'no' } })
  assert.deepEqual([await run.states(), (await run.task('sub'))?.result], ['sub:succeeded x:failed', '1'])
  assert.equal((await run.record()).state, 'failed')
})

test('a node whose child run is paused has not ended: what follows waits (12)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, child } = await within(coordinator, workflowOf([{ id: 'x', handler: 'x' }]))
  await coordinator.changeRuns.pause('default', child.id)
  await turns()
  await coordinator.clock.advance(30_000)
  await coordinator.wakeLives.execute([run.id, child.id])
  await turns()
  assert.deepEqual([(await runOf(coordinator, child.id)).state, await run.states()], ['paused', 'a:succeeded sub:running'])
  await coordinator.changeRuns.resume('default', child.id)
  await turns()
  await new WorkflowRun(coordinator, { id: child.id, nodes: ['x'] }).ends('x')
  assert.equal(await run.states(), 'a:succeeded sub:succeeded z:queued')
})

test('a child run with which a node goes on after a retry is not stopped with another node', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await coordinator.changeJobs.put('default', { name: 'part', ...workflowOf([{ id: 'x', handler: 'x' }]) } as never)
  const nodes = [
    { id: 'sub', job: 'part' },
    { id: 'other', handler: 'h' },
  ]
  const run = await WorkflowRun.start(coordinator, { nodes })
  const child = await childOf(coordinator, run, 'sub')
  const part = new WorkflowRun(coordinator, { id: child.id, nodes: ['x'] })
  const failed = { outcome: 'failed', error: { name: 'Error', message: 'no' } }
  await part.ends('x', failed)
  await run.ends('other', failed)
  await coordinator.changeRuns.retry('default', { runId: run.id, only: 'failed' })
  await turns()
  await coordinator.changeNodes.stop('default', { runId: run.id, node: 'other' })
  await turns()
  assert.equal((await run.task('other', 2))?.state, 'cancelled')
  assert.deepEqual([(await runOf(coordinator, child.id)).state, await part.states()], ['running', 'x:failed x:queued'])
})
