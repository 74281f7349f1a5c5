import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CALLS, type CallInput, CarillonError, parseInput, startRunSchema, taskIdOf, workflowSchema } from '@carillon/contracts'
import { createTestCoordinator, reportsFrom, type TestCoordinator } from '../../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../../testing/workflow-runs.ts'

type Given = CallInput<typeof CALLS.jobsPut>['workflow']

/** A chain of three, of which two can be undone. */
const CHAIN: Given = {
  nodes: [
    { id: 'a', handler: 'reserve', compensate: 'release' },
    { id: 'b', handler: 'charge', after: 'a', compensate: { handler: 'refund', unknown: true } },
    { id: 'c', handler: 'ship', after: 'b' },
  ],
}
const FAILED = { outcome: 'failed', error: { name: 'Error', message: 'no ship' } } as const
const bodies = ({ fake }: TestCoordinator) =>
  fake.publishedTo('work.') as { handler: string; task: string; payload: unknown; context?: unknown }[]

async function failed(coordinator: TestCoordinator, given: Given = CHAIN): Promise<WorkflowRun> {
  const run = await WorkflowRun.start(coordinator, given, { id: 7 })
  await run.ends('a', { result: 'place 4', context: { place: 4 } })
  await run.ends('b', { result: { receipt: 9 } })
  await run.ends('c', FAILED)
  return run
}

const summary = async (run: WorkflowRun) => {
  const { state, reason, compensation, error } = await run.record()
  return [state, reason, compensation, error?.message]
}

test('a run that fails is undone: what came last first, one after the other (49)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await failed(coordinator)
  assert.equal(await run.states(), 'a:succeeded b:succeeded c:failed b:queued')
  assert.deepEqual(await summary(run), ['running', 'compensating', null, undefined])
  assert.equal((await coordinator.readRuns.get('default', run.id)).compensation, 'under-way')
  const { handler, task, payload, context: seen } = bodies(coordinator).at(-1) ?? {}
  assert.deepEqual([handler, task], ['refund', 'b'])
  assert.deepEqual(payload, { node: 'b', outcome: 'succeeded', payload: { id: 7 }, result: { receipt: 9 } })
  assert.deepEqual(seen, { place: 4 })
  await run.undoes('b')
  assert.equal(bodies(coordinator).at(-1)?.handler, 'release')
  assert.equal((await run.record()).state, 'running')
  await run.undoes('a')
  assert.deepEqual(await summary(run), ['failed', 'tasks-failed', 'complete', 'node c: no ship; undone: b, a'])
  const tree = await coordinator.readTree.execute('default', run.id)
  assert.deepEqual(
    tree.nodes?.map(({ id, state, compensation }) => [id, state, compensation?.handler, compensation?.state]),
    [
      ['a', 'compensated', 'release', 'succeeded'],
      ['b', 'compensated', 'refund', 'succeeded'],
      ['c', 'failed', undefined, undefined],
    ],
  )
})

test('a cancelled run is undone when what was under way has ended; a cancel does not cut that (51)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, CHAIN)
  await run.ends('a')
  const b = await run.task('b')
  await coordinator.applyReports.execute([reportsFrom('i-1', { runId: run.id, taskId: b?.id, attempt: 1, type: 'started' })])
  await coordinator.changeRuns.cancel('default', run.id)
  await turns()
  assert.equal(await run.states(), 'a:succeeded b:cancelling')
  await run.ends('b', { outcome: 'cancelled' })
  // What it has done before it was cancelled is not known, and it is declared that this is to be undone.
  assert.equal(await run.states(), 'a:succeeded b:cancelled b:queued')
  assert.deepEqual(bodies(coordinator).at(-1)?.payload, { node: 'b', outcome: 'unknown', payload: null, result: null })
  await coordinator.changeRuns.cancel('default', run.id)
  await turns()
  assert.equal(await run.states(), 'a:succeeded b:cancelled b:queued')
  await run.undoes('b')
  await run.undoes('a')
  assert.deepEqual(await summary(run), ['cancelled', 'cancelled-by-request', 'complete', undefined])
  assert.deepEqual(JSON.parse((await run.record()).result ?? ''), { tasks: { succeeded: 1, cancelled: 1 }, compensated: 2 })
})

for (const [how, force, message] of [
  ['queued', false, undefined],
  ['paused', false, undefined],
  ['queued', true, 'not undone: b, a'],
] as const)
  test(`a run that is to run again, and is ${how}, is cancelled${force ? ' by force' : ''}: its nodes are ${force ? 'not ' : ''}undone`, async (context) => {
    const coordinator = await createTestCoordinator(context)
    const { advance, changeRuns } = coordinator
    const run = await WorkflowRun.start(coordinator, CHAIN)
    for (const node of ['a', 'b', 'c']) await run.ends(node)
    // No coordinator has begun it.
    const { mock } = context.mock.method(advance, 'execute', async () => undefined)
    await changeRuns.retry('default', { runId: run.id, fromNode: 'c' })
    if (how === 'paused') await changeRuns.pause('default', run.id)
    assert.equal((await run.record()).state, how)
    await changeRuns.cancel('default', run.id, { force })
    await turns()
    mock.restore()
    await advance.execute(run.id)
    await turns()
    if (!force) for (const node of ['b', 'a']) await run.undoes(node)
    assert.deepEqual(await summary(run), ['cancelled', 'cancelled-by-request', force ? 'incomplete' : 'complete', message])
  })

for (const overlap of ['serial', 'replace'] as const)
  test(`a run that waits for its place to run again is undone when it is ${overlap === 'serial' ? 'cancelled' : 'replaced'}`, async (context) => {
    const coordinator = await createTestCoordinator(context)
    const { changeRuns, changeJobs, clock } = coordinator
    const run = await WorkflowRun.start(coordinator, CHAIN)
    for (const node of ['a', 'b', 'c']) await run.ends(node)
    const workflow = parseInput(workflowSchema, CHAIN)
    const start = async () => {
      const request = parseInput(startRunSchema, { job: 'order' })
      await coordinator.startRuns.execute([{ namespace: 'default', request, bytes: 100, trigger: 'call', traceparent: undefined }])
      await clock.advance(100)
      await turns()
    }
    await changeJobs.put('default', { name: 'order', workflow, overlap })
    await start()
    await changeRuns.retry('default', { runId: run.id, fromNode: 'c' })
    assert.equal((await run.record()).state, 'waiting')
    if (overlap === 'serial') await changeRuns.cancel('default', run.id)
    else await start()
    await turns()
    for (const node of ['b', 'a']) await run.undoes(node)
    const reason = overlap === 'serial' ? 'cancelled-by-request' : 'replaced'
    assert.deepEqual(await summary(run), ['cancelled', reason, 'complete', undefined])
  })

test('a cancel by force cuts it (51)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await failed(coordinator)
  await coordinator.changeRuns.cancel('default', run.id, { force: true })
  await turns()
  assert.equal(await run.states(), 'a:succeeded b:succeeded c:failed b:cancelled')
  const message = 'node b could not be undone: cancelled; not undone: a'
  assert.deepEqual(await summary(run), ['cancelled', 'cancelled-by-request', 'incomplete', message])
})

test('what cannot be undone fails the run, and can be tried again alone (51)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await failed(coordinator)
  await run.undoes('b', { outcome: 'failed', error: { name: 'Error', message: 'no bank' } })
  const message = 'node c: no ship; node b could not be undone: no bank; not undone: a'
  assert.deepEqual(await summary(run), ['failed', 'compensation-failed', 'incomplete', message])
  await coordinator.changeRuns.retry('default', { runId: run.id, only: 'compensation' })
  await turns()
  assert.equal(await run.states(), 'a:succeeded b:succeeded c:failed b:queued')
  await run.undoes('b')
  await run.undoes('a')
  assert.deepEqual(await summary(run), ['failed', 'tasks-failed', 'complete', 'node c: no ship; undone: b, a'])
  await assert.rejects(coordinator.changeRuns.retry('default', { runId: run.id, only: 'compensation' }), { code: 'NOTHING_FAILED' })
})

test('a retry begins at or before the first node that was undone', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await failed(coordinator)
  await run.undoes('b')
  await run.undoes('a')
  const at = { runId: run.id, node: 'c' }
  for (const refused of [
    () => coordinator.changeRuns.retry('default', { runId: run.id, only: 'failed' }),
    () => coordinator.changeRuns.retry('default', { runId: run.id, fromNode: 'b' }),
    () => coordinator.changeRuns.retry('default', at),
    () => coordinator.changeNodes.skip('default', at, {}),
    () => coordinator.changeNodes.succeed('default', at, {}),
  ])
    await assert.rejects(
      refused,
      (error: unknown) =>
        CarillonError.is(error) && error.code === 'NODES_COMPENSATED' && /node "a"/.test(`${error.message} ${error.details.hint}`),
    )
  await coordinator.changeRuns.retry('default', { runId: run.id, fromNode: 'a' })
  await turns()
  assert.equal((await run.task('a', 2))?.state, 'queued')
  for (const node of ['a', 'b', 'c']) await run.ends(node, { generation: 2 })
  assert.deepEqual(await summary(run), ['succeeded', 'completed', null, undefined])
})

test('nothing is undone while something is under way, and a node after all that came after it (50)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, {
    nodes: [
      { id: 'a', handler: 'h', compensate: 'undo' },
      { id: 'b', handler: 'h', after: 'a', compensate: 'undo' },
      { id: 'slow', handler: 'h', compensate: 'undo' },
      { id: 'bad', handler: 'h' },
    ],
  })
  await run.ends('a')
  await run.ends('b')
  await run.ends('bad', FAILED)
  assert.equal(await run.states(), 'a:succeeded b:succeeded slow:queued bad:failed')
  await coordinator.clock.advance(5)
  await run.ends('slow')
  const order: string[] = []
  for (const node of ['slow', 'b', 'a']) {
    order.push(bodies(coordinator).at(-1)?.task ?? '')
    await run.undoes(node)
  }
  assert.deepEqual(order, ['slow', 'b', 'a'])
  assert.deepEqual((await summary(run)).slice(0, 3), ['failed', 'tasks-failed', 'complete'])
})

test('a node that timed out is undone if it declares so, and one that failed is not (50)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const node = (fields: object): Given => ({ nodes: [{ id: 'a', handler: 'h', ...fields }] }) as Given
  const ends = { outcome: 'timed_out', error: { name: 'TimeoutError', message: 'late' } }
  const unknown = await WorkflowRun.start(coordinator, node({ compensate: { handler: 'undo', unknown: true } }))
  await unknown.ends('a', ends)
  assert.equal(await unknown.states(), 'a:timed_out a:queued')
  const silent = await WorkflowRun.start(coordinator, node({ compensate: 'undo' }))
  await silent.ends('a', ends)
  assert.deepEqual(await summary(silent), ['failed', 'tasks-failed', null, 'node a: late'])
  const thrown = await WorkflowRun.start(coordinator, node({ compensate: { handler: 'undo', unknown: true } }))
  await thrown.ends('a', FAILED)
  assert.deepEqual((await summary(thrown)).slice(0, 3), ['failed', 'tasks-failed', null])
})

test('a run whose result cannot be computed has failed, and is undone', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(
    coordinator,
    { output: 'payload.missing', nodes: [{ id: 'a', handler: 'h', compensate: 'undo' }] },
    {},
  )
  await run.ends('a')
  await run.undoes('a')
  const [state, reason, compensation, message] = await summary(run)
  assert.deepEqual([state, reason, compensation], ['failed', 'invalid-result', 'complete'])
  assert.match(message as string, /missing.*; undone: a$/s)
})

test('force and compensation are about workflows', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const [started] = await coordinator.startRuns.execute([
    { namespace: 'default', request: { handler: 'h' } as never, bytes: 10, trigger: 'call', traceparent: undefined },
  ])
  assert.ok(started && 'runId' in started)
  await assert.rejects(coordinator.changeRuns.cancel('default', started.runId, { force: true }), { code: 'INVALID_REQUEST' })
  await coordinator.changeRuns.cancel('default', started.runId)
  await assert.rejects(coordinator.changeRuns.retry('default', { runId: started.runId, only: 'compensation' }), { code: 'INVALID_REQUEST' })
})

test('what a child run has done is undone by one task (50)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, {
    nodes: [
      { id: 'a', job: 'shipping', payload: "'x'", compensate: 'unship' },
      { id: 'b', handler: 'h', after: 'a' },
    ],
  })
  const child = (await run.task('a'))?.node?.child as string
  await coordinator.applyReports.execute([
    reportsFrom('i-1', { runId: child, taskId: child, attempt: 1, type: 'finished', outcome: 'succeeded', result: 5 }),
  ])
  await turns()
  await run.ends('b', FAILED)
  const { handler, payload } = bodies(coordinator).at(-1) ?? {}
  assert.deepEqual([handler, payload], ['unship', { node: 'a', outcome: 'succeeded', payload: 'x', result: 5 }])
  await run.undoes('a')
  assert.deepEqual((await summary(run)).slice(0, 3), ['failed', 'tasks-failed', 'complete'])
})

test('what the items of a list have done is undone by one task (50)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(
    coordinator,
    {
      nodes: [
        { id: 'each', foreach: 'payload', handler: 'ship', compensate: 'unship' },
        { id: 'b', handler: 'h', after: 'each' },
      ],
    },
    ['p', 'q'],
  )
  const child = (await run.task('each'))?.node?.child as string
  for (const index of [0, 1]) {
    const report = { runId: child, taskId: taskIdOf(child, index), attempt: 1, type: 'finished', outcome: 'succeeded' }
    await coordinator.applyReports.execute([reportsFrom('i-1', report)])
    await turns()
  }
  await run.ends('b', FAILED)
  assert.equal(bodies(coordinator).filter(({ handler }) => handler === 'unship').length, 1)
  await run.undoes('each')
  assert.deepEqual((await summary(run)).slice(0, 3), ['failed', 'tasks-failed', 'complete'])
})
