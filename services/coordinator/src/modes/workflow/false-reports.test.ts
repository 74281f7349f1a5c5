import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, nodeTaskId } from '@carillon/contracts'
import { createTestCoordinator, reportsFrom, type TestCoordinator } from '../../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../../testing/workflow-runs.ts'

const NODES = [
  { id: 'child', job: 'other' },
  { id: 'each', foreach: '[1, 2]', handler: 'h' },
  { id: 'signal', wait: { signal: 'paid' } },
  { id: 'approve', wait: { approval: {} } },
  { id: 'cool', wait: { durationMs: 60_000 } },
  { id: 'work', handler: 'h' },
]
const BEFORE = 'child:running each:running signal:delayed approve:delayed cool:delayed work:queued'

/** What an executor may say of a task, true or not. */
const REPORTS = [
  { type: 'started', session: 's-1' },
  { type: 'progress', percent: 50 },
  { type: 'released' },
  { type: 'slept', delayMs: 1_000 },
  { type: 'died', blame: 'this', error: { name: 'E', message: 'no' } },
  { type: 'finished', outcome: 'failed', error: { name: 'E', message: 'no' } },
  { type: 'finished', outcome: 'cancelled' },
  { type: 'finished', outcome: 'succeeded', result: { paid: true } },
]

async function startWorkflow(coordinator: TestCoordinator) {
  const run = await WorkflowRun.start(coordinator, { nodes: NODES })
  assert.equal(await run.states(), BEFORE)
  const ids = [run.id, ...NODES.slice(0, -1).map((_, place) => nodeTaskId(run.id, place, 1))]
  return { run, ids }
}

test('an instance cannot end, begin or give back what no instance runs: a run with nodes, a wait, an approval, a child run', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, ids } = await startWorkflow(coordinator)
  for (const taskId of ids)
    for (const report of REPORTS) {
      await coordinator.applyReports.execute([reportsFrom('i-1', { runId: run.id, taskId, attempt: 1, ...report })])
      await turns()
      const { state, attempt, owner } = await run.record()
      const what = `${JSON.stringify(report)} about ${taskId}`
      assert.deepEqual([await run.states(), state, attempt, owner], [BEFORE, 'running', 1, null], what)
    }
})

test('nor can it claim it, store steps of it, or start child runs', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { ids } = await startWorkflow(coordinator)
  const isRefused = (error: unknown) =>
    CarillonError.is(error) && error.code === 'TASK_NOT_RUNNING' && /no instance runs it/.test(error.message)
  coordinator.presence.alive.set('h', ['i-1'])
  for (const taskId of ids) {
    const claim = { taskId, attempt: 1, instance: 'i-1', session: 's-1', redelivered: true }
    assert.equal((await coordinator.claimTask.execute('default', claim)).run, false, taskId)
    const caller = { taskId, attempt: 1, instance: 'i-1' }
    const step = { ...caller, index: 0, name: 'n', try: 1, outcome: { type: 'done', result: 1 } } as const
    await assert.rejects(coordinator.keepSteps.store('default', step), isRefused)
    await assert.rejects(coordinator.runChild.execute('default', { ...caller, key: 'k', run: { handler: 'h' } }), isRefused)
  }
})
