import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, LIMITS } from '@carillon/contracts'
import { aRun } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../../testing/workflow-runs.ts'

const bodies = ({ fake }: TestCoordinator) => fake.publishedTo('work.') as { handler: string; payload: unknown; context?: unknown }[]

test('nodes start when those before them have ended, and the run ends with the leaves', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(
    coordinator,
    {
      nodes: [
        { id: 'a', handler: 'reserve' },
        { id: 'b', handler: 'charge', after: 'a', attempts: 3, payload: "{'of': payload.id, 'got': nodes.a.result}" },
        { id: 'c', handler: 'pack', after: 'a' },
      ],
    },
    { id: 7 },
  )
  assert.equal(await run.states(), 'a:queued')
  await run.ends('a', { result: ['x'] })
  assert.equal(await run.states(), 'a:succeeded b:queued c:queued')
  const [first, second, third] = bodies(coordinator)
  assert.deepEqual([first?.handler, second?.handler, third?.handler], ['reserve', 'charge', 'pack'])
  assert.deepEqual([first?.payload, second?.payload, third?.payload], [{ id: 7 }, { of: 7, got: ['x'] }, { id: 7 }])
  assert.equal((await run.task('b'))?.attempts, 3)
  await run.ends('b')
  await run.ends('c')
  const { state, reason, result } = await run.record()
  assert.deepEqual([state, reason, result], ['succeeded', 'completed', '{"tasks":{"succeeded":3}}'])
})

test('a decision takes the first branch that is true, and is kept with its reason (8)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = [
    { id: 'check', decision: [{ when: 'payload.total > 1000', to: 'approve' }, { otherwise: 'charge' }] },
    { id: 'approve', handler: 'approve' },
    { id: 'charge', handler: 'charge', after: ['check', 'approve'] },
  ]
  const dear = await WorkflowRun.start(coordinator, { nodes }, { total: 1200 })
  assert.equal(await dear.states(), 'check:succeeded approve:queued')
  assert.equal((await dear.task('check'))?.result, '{"to":["approve"],"why":"payload.total > 1000 is true"}')
  const cheap = await WorkflowRun.start(coordinator, { nodes }, { total: 10 })
  assert.equal(await cheap.states(), 'check:succeeded charge:queued')
  const wrong = await WorkflowRun.start(coordinator, { nodes }, { sum: 10 })
  const { state, error } = await wrong.record()
  assert.deepEqual([state, await wrong.states()], ['failed', 'check:failed'])
  assert.match(error?.message ?? '', /^node check: when failed: no such key: total/)
})

test('a wait for a time holds no task, and ends by its wakeAt', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, {
    nodes: [
      { id: 'w', wait: { durationMs: 60_000 } },
      { id: 'n', handler: 'h', after: 'w' },
    ],
  })
  assert.equal(await run.states(), 'w:delayed')
  const task = await run.task('w')
  await coordinator.clock.advance(59_000)
  await coordinator.wakeLives.execute([task?.id as string])
  await turns()
  assert.equal(await run.states(), 'w:delayed')
  await coordinator.clock.advance(1_000)
  await coordinator.wakeLives.execute([task?.id as string])
  await turns()
  assert.equal(await run.states(), 'w:succeeded n:queued')
})

test('the context: a descendant replaces what its ancestors have set, and the rest is seen by those behind alone', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, {
    output: 'context',
    nodes: [
      { id: 'a', handler: 'a' },
      { id: 'b', handler: 'b', after: 'a' },
      { id: 'other', handler: 'other' },
      { id: 'z', handler: 'z', after: 'b', payload: 'context.who' },
    ],
  })
  await run.ends('a', { context: { who: 'a', kept: 1 } })
  await run.ends('other', { context: { far: true } })
  await run.ends('b', { context: { who: 'b' } })
  const last = bodies(coordinator).at(-1)
  assert.deepEqual([last?.payload, last?.context], ['b', { who: 'b', kept: 1 }])
  await run.ends('z', { context: { done: true } })
  assert.deepEqual(JSON.parse((await run.record()).result ?? ''), { who: 'b', kept: 1, far: true, done: true })
})

test('a context that is too large fails the node that adds to it (53)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, { nodes: [{ id: 'a', handler: 'a' }] })
  await run.ends('a', { context: { big: 'x'.repeat(262_145) } })
  const task = await run.task('a')
  assert.deepEqual([task?.state, task?.reason, task?.error?.name], ['failed', 'invalid-result', 'CONTEXT_TOO_LARGE'])
  assert.match(task?.error?.message ?? '', /has 262155 bytes as JSON, the limit is 262144; the largest keys: "big" 262147$/)
  assert.equal((await run.record()).state, 'failed')
})

const FAILING = {
  nodes: [
    { id: 'a', handler: 'h' },
    { id: 'b', handler: 'h', after: 'a' },
    { id: 'c', handler: 'h', after: 'a' },
    { id: 'd', handler: 'h', after: ['b', 'c'] },
  ],
}

async function failed(coordinator: TestCoordinator): Promise<WorkflowRun> {
  const run = await WorkflowRun.start(coordinator, FAILING)
  await run.ends('a', { result: 1 })
  await run.ends('b', { outcome: 'failed', error: { name: 'Error', message: 'no money' } })
  await run.ends('c', { result: 2 })
  const { state, reason, error } = await run.record()
  assert.deepEqual([state, reason, error?.message], ['failed', 'tasks-failed', 'node b: no money; not started: d'])
  return run
}

test('a retry of what failed keeps the results of the rest; of all begins with the first node (23)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await failed(coordinator)
  await coordinator.changeRuns.retry('default', { runId: run.id, only: 'failed' })
  await turns()
  assert.equal(await run.states(), 'a:succeeded b:failed b:queued c:succeeded')
  assert.deepEqual([(await run.task('a'))?.result, (await run.task('c'))?.result], ['1', '2'])
  await run.ends('b', { generation: 2 })
  await run.ends('d', { generation: 2 })
  assert.equal((await run.record()).state, 'succeeded')
  await coordinator.changeRuns.retry('default', { runId: run.id })
  await turns()
  assert.equal((await run.task('a', 2))?.state, 'queued')
  assert.equal(await run.task('b', 3), undefined)
})

test('a retry from a node runs it and what follows; of one node it alone', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await failed(coordinator)
  await coordinator.changeRuns.retry('default', { runId: run.id, fromNode: 'b' })
  await turns()
  await run.ends('b', { generation: 2 })
  await run.ends('d', { generation: 2 })
  await coordinator.changeRuns.retry('default', { runId: run.id, node: 'c' })
  await turns()
  assert.equal((await run.task('c', 2))?.state, 'queued')
  await run.ends('c', { generation: 2 })
  const { state, generations } = await run.record()
  assert.deepEqual([state, generations], ['succeeded', { 1: 2, 2: 2, 3: 2 }])
  await assert.rejects(coordinator.changeRuns.retry('default', { runId: run.id, node: 'x' }), {
    code: 'INVALID_REQUEST',
    message: /node is wrong: "x"/,
  })
  await assert.rejects(coordinator.changeRuns.retry('default', { runId: run.id, only: 'failed' }), { code: 'NOTHING_FAILED' })
})

test('a report of an earlier generation changes nothing (25)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await failed(coordinator)
  await coordinator.changeRuns.retry('default', { runId: run.id, fromNode: 'a' })
  await turns()
  await run.ends('b', { result: 'late', context: { late: true } })
  // Neither what it begins late.
  const before = await run.task('b')
  const started = { runId: run.id, taskId: before?.id, attempt: before?.attempt, type: 'started' }
  await coordinator.applyReports.execute([reportsFrom('i-1', started)])
  assert.deepEqual([before?.state, before?.context, (await run.task('b'))?.state], ['failed', null, 'failed'])
  assert.match(coordinator.refused.describe(), /not-open 1$/)
  assert.equal((await run.task('a', 2))?.state, 'queued')
  assert.equal((await run.record()).state, 'running')
})

test('a node that failed is skipped, or counts as one that has succeeded: the run goes on', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeNodes } = coordinator
  const first = await failed(coordinator)
  await changeNodes.skip('default', { runId: first.id, node: 'b' }, { by: 'ada' })
  await turns()
  assert.equal(await first.states(), 'a:succeeded b:skipped c:succeeded d:queued')
  assert.deepEqual((await first.task('b'))?.node, { own: { handler: 'h' }, by: 'ada' })
  const second = await failed(coordinator)
  await changeNodes.succeed('default', { runId: second.id, node: 'b', result: { ref: 7 } }, {})
  // Repeated, it changes nothing.
  await changeNodes.succeed('default', { runId: second.id, node: 'b', result: { ref: 8 } }, {})
  await turns()
  assert.equal((await second.task('b'))?.result, '{"ref":7}')
  await second.ends('d')
  assert.equal((await second.record()).state, 'succeeded')
  await assert.rejects(changeNodes.skip('default', { runId: second.id, node: 'a' }, {}), {
    code: 'INVALID_REQUEST',
    message: /it is succeeded/,
  })
})

test('a node that has not begun is skipped, and one that is under way is stopped', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeNodes } = coordinator
  const run = await WorkflowRun.start(coordinator, FAILING)
  await changeNodes.skip('default', { runId: run.id, node: 'd' }, {})
  await run.ends('a')
  await changeNodes.stop('default', { runId: run.id, node: 'b' })
  await turns()
  assert.equal((await run.task('b'))?.state, 'cancelled')
  assert.deepEqual(coordinator.fake.purged.length, 1, 'its message is withdrawn')
  await run.ends('c')
  const { state, reason } = await run.record()
  assert.deepEqual([state, reason, await run.states()], ['succeeded', 'completed', 'a:succeeded b:cancelled c:succeeded d:skipped'])
})

test('a workflow that cannot run is refused with all that is wrong', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const problems = async (workflow: object) =>
    coordinator.changeJobs.put('default', { name: 'order', workflow } as never).then(
      () => [],
      (error: { code: string; details: { problems: { field: string; problem: string }[] } }) => {
        assert.equal(error.code, 'INVALID_WORKFLOW')
        return error.details.problems.map(({ field, problem }) => `${field}: ${problem.split('\n')[0]}`)
      },
    )
  assert.deepEqual(
    await problems({
      nodes: [
        { id: 'a', handler: 'h', payload: 'payload.x +' },
        { id: 'b', handler: 'h', payload: 'nodes.c.result', after: 'a' },
        { id: 'c', decision: [{ when: 'payload.n', to: 'b' }, { otherwise: 'd' }] },
        { id: 'd', handler: 'h', route: 'specific', payload: 'nodes.a.result' },
      ],
      output: 'nodes.x.result',
    }),
    [
      'workflow.nodes.0.payload: payload is wrong: unexpected token: EOF at column 12',
      'workflow.nodes.3.payload: node a does not come before d',
      'workflow.nodes.3.route: instances is wrong: undefined',
      'workflow.output: there is no node x',
    ],
  )
})

test('two nodes that end in the same millisecond, on two coordinators: what follows both begins at once, and once (11)', async (context) => {
  const one = await createTestCoordinator(context)
  const other = await createTestCoordinator(context, { store: one.store, clock: one.clock })
  const nodes = [
    { id: 'a', handler: 'h' },
    { id: 'b', handler: 'h' },
    { id: 'join', handler: 'h', after: ['a', 'b'] },
  ]
  const run = await WorkflowRun.start(one, { nodes })
  const end = async (node: string) => {
    const task = await run.task(node)
    return reportsFrom('i-1', { runId: run.id, taskId: task?.id, attempt: 1, type: 'finished', outcome: 'succeeded' })
  }
  const [a, b] = [await end('a'), await end('b')]
  const before = one.clock.now()
  await Promise.all([one.applyReports.execute([a]), other.applyReports.execute([b])])
  await turns()
  assert.equal(await run.states(), 'a:succeeded b:succeeded join:queued')
  assert.equal(one.clock.now(), before)
  const ids = new Set([...bodies(one), ...bodies(other)].map((body) => (body as unknown as { taskId: string }).taskId))
  assert.equal(ids.size, 3)
  await run.ends('join')
  assert.deepEqual([(await run.record()).state, (await run.record()).result], ['succeeded', '{"tasks":{"succeeded":3}}'])
})

test('a coordinator that ended a node, and not begun the next one: the run is not over (12)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, { nodes: FAILING.nodes.slice(0, 2) })
  const { store, advance, clock, wakeLives } = coordinator
  const insert = store.tasks.insert.bind(store.tasks)
  store.tasks.insert = () => Promise.reject(new Error('it dies here'))
  await run.ends('a')
  await assert.rejects(advance.execute(run.id), { message: 'it dies here' })
  assert.deepEqual([await run.states(), (await run.record()).state], ['a:succeeded', 'running'])
  store.tasks.insert = insert
  await clock.advance(30_000)
  await wakeLives.execute([run.id])
  await turns()
  assert.equal(await run.states(), 'a:succeeded b:queued')
})

test('a workflow whose graph is wrong, as it was stored, has failed and says why: it is neither open for ever nor succeeded (7)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = [
    { id: 'check', decision: [{ when: 'false', to: ['a'] }] },
    { id: 'a', handler: 'h' },
  ]
  const run = aRun(1, { mode: 'workflow', graph: JSON.stringify({ nodes }), queuedAt: coordinator.clock.now() })
  await coordinator.runs.insert([run])
  await turns()
  const { state, reason, error } = await runOf(coordinator, run.id)
  assert.deepEqual([state, reason], ['failed', 'internal-error'])
  assert.match(error?.message ?? '', /has no graph that can be read: nodes\.0\.decision/)
})

test('a workflow with very much that is wrong is refused in a message that can be sent', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const refusal = async (nodes: readonly object[]) => {
    const error = await coordinator.changeJobs
      .put('default', { name: 'order', workflow: { nodes } } as never)
      .catch((thrown: unknown) => thrown)
    assert.ok(CarillonError.is(error) && error.code === 'INVALID_WORKFLOW', String(error))
    return error.toBody()
  }
  const unknown = Array.from({ length: 100 }, (_, i) => `u${i}`)
  const many = await refusal(Array.from({ length: 500 }, (_, i) => ({ id: `n${i}`, handler: 'h', after: unknown })))
  assert.equal(many.problems?.length, LIMITS.workflowProblems)
  assert.match(many.message, /there is no such node and 49999 more$/)
  assert.ok(JSON.stringify(many).length < LIMITS.messageBytes / 2)
  const id = (i: number) => `${i}${'x'.repeat(60)}`
  const circle = await refusal(Array.from({ length: 1_000 }, (_, i) => ({ id: id(i), handler: 'h', after: id((i + 999) % 1_000) })))
  assert.ok(JSON.stringify(circle).length < 5_000, 'a long circle is shortened')
  const wrong = await refusal([{ id: 'd', decision: [{ when: `payload.a ==${' '.repeat(4_000)}`, to: 'd' }, { otherwise: 'd' }] }])
  assert.ok(JSON.stringify(wrong).length < 3_000, JSON.stringify(wrong))
})

test('more nodes than one pass begins, of which none ends, all begin at once', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = Array.from({ length: 250 }, (_, i) => ({ id: `n${i}`, wait: { signal: 'go' } }))
  const run = await WorkflowRun.start(coordinator, { nodes })
  for (let i = 0; i < 10; i++) await turns()
  assert.equal((await run.states()).match(/:delayed/g)?.length, 250)
})

test('that nodes begin and end is a live signal of the run, one for all that are written together', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = [
    { id: 'a', handler: 'reserve' },
    { id: 'b', handler: 'charge' },
    { id: 'c', handler: 'ship', after: ['a', 'b'] },
  ]
  const run = await WorkflowRun.start(coordinator, { nodes })
  await run.ends('a')
  const signals = coordinator.fake.publishedTo('live.task.') as { runId: string; tasks: { taskId: string; state: string }[] }[]
  assert.ok(signals.every(({ runId }) => runId === run.id))
  const [a, b] = [await run.task('a'), await run.task('b')]
  assert.deepEqual(
    signals.map(({ tasks }) => tasks.map(({ taskId, state }) => [taskId, state])),
    [
      [
        [a?.id, 'queued'],
        [b?.id, 'queued'],
      ],
      [[a?.id, 'succeeded']],
    ],
  )
})
