import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RunView } from '@carillon/contracts'
import { createTestCoordinator, type TestCoordinator } from '../../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../../testing/workflow-runs.ts'

const NODES = [
  { id: 'a', handler: 'h' },
  { id: 'b', handler: 'h', after: 'a' },
  { id: 'c', handler: 'h', after: 'b' },
]

/** A run of which b has failed, and c is blocked. */
async function failedRun(coordinator: TestCoordinator): Promise<WorkflowRun> {
  const run = await WorkflowRun.start(coordinator, { nodes: NODES })
  await run.ends('a')
  await run.ends('b', { outcome: 'failed', error: { name: 'Error', message: 'no' } })
  assert.equal((await run.record()).state, 'failed')
  await coordinator.clock.advance(1_000)
  return run
}

test('what changes a run answers with the run as it is after the change', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeNodes, changeRuns } = coordinator
  // It may have begun already when it is read.
  const seen = ({ state, attempt, endedAt, failure }: RunView) => [state === 'queued' ? 'running' : state, attempt, endedAt, failure]
  for (const change of [
    (runId: string) => changeNodes.skip('default', { runId, node: 'b' }, {}),
    (runId: string) => changeNodes.succeed('default', { runId, node: 'b', result: 1 }, {}),
    (runId: string) => changeRuns.retry('default', { runId, fromNode: 'a' }),
    (runId: string) => changeRuns.retry('default', { runId, node: 'b' }),
    (runId: string) => changeRuns.retry('default', { runId, only: 'failed' }),
  ]) {
    const { id } = await failedRun(coordinator)
    assert.deepEqual(seen(await change(id)), ['running', 2, undefined, undefined], String(change))
    await turns()
    assert.deepEqual(seen(await changeRuns.pause('default', id)).slice(0, 2), ['paused', 2])
    assert.deepEqual(seen(await changeRuns.resume('default', id)).slice(0, 2), ['running', 2])
    await changeRuns.cancel('default', id).then(({ state }) => assert.equal(state, 'cancelling'))
    await turns()
  }
})

test('what was said about a node before, and the run has gone on with, does not begin the run again', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeNodes, clock } = coordinator
  const run = await failedRun(coordinator)
  const at = { runId: run.id, node: 'b' }
  await changeNodes.skip('default', at, { by: 'ada' })
  await turns()
  await clock.advance(1_000)
  await run.ends('c')
  const { state, attempt } = await changeNodes.skip('default', at, { by: 'ada' })
  assert.deepEqual([state, attempt], ['succeeded', 2])
})

test('a cancel wins: what is said about a node does not begin a cancelled run again', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeNodes, changeRuns, store } = coordinator
  const run = await WorkflowRun.start(coordinator, { nodes: [...NODES, { id: 'z', handler: 'h' }] })
  await run.ends('a')
  await run.ends('b', { outcome: 'failed', error: { name: 'Error', message: 'no' } })
  const at = { runId: run.id, node: 'b' }
  const update = store.tasks.update.bind(store.tasks)
  // It is cancelled after it was read, before the node is written.
  const { mock } = context.mock.method(store.tasks, 'update', async (changes: Parameters<typeof update>[0]) => {
    mock.restore()
    await changeRuns.cancel('default', run.id)
    await turns()
    return update(changes)
  })
  const { state, attempt } = await changeNodes.skip('default', at, { by: 'ada' })
  assert.deepEqual([state, attempt], ['cancelled', 1])
  for (const refused of [
    () => changeNodes.skip('default', { ...at, node: 'c' }, { by: 'ada' }),
    () => changeNodes.succeed('default', { ...at, node: 'z' }, { by: 'ada' }),
  ])
    await assert.rejects(refused, { code: 'INVALID_REQUEST', message: /its run was cancelled/ })
  await coordinator.clock.advance(10_000)
  await coordinator.wakeLives.execute([(await run.task('b'))?.id ?? ''])
  await turns()
  assert.deepEqual([(await run.record()).state, (await run.record()).attempt], ['cancelled', 1])
})

test('a run that was cancelled because one of its nodes was goes on when that is skipped', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, { nodes: NODES })
  await run.ends('a', { outcome: 'cancelled' })
  assert.deepEqual([(await run.record()).state, (await run.record()).reason], ['cancelled', 'tasks-cancelled'])
  await coordinator.changeNodes.skip('default', { runId: run.id, node: 'a' }, { by: 'ada' })
  await turns()
  assert.equal(await run.states(), 'a:skipped b:queued')
})

test('two nodes are changed at once: both answer, and the run goes on once', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await failedRun(coordinator)
  const both = ['b', 'c'].map((node) => coordinator.changeNodes.skip('default', { runId: run.id, node }, {}))
  const views = await Promise.all(both)
  assert.deepEqual(
    views.map(({ attempt }) => attempt),
    [2, 2],
  )
  await turns()
  const { state, attempt } = await run.record()
  assert.deepEqual([state, attempt, await run.states()], ['succeeded', 2, 'a:succeeded b:skipped c:skipped'])
})
