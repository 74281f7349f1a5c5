import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestCoordinator } from '../../testing/test-coordinator.ts'
import { WorkflowRun } from '../../testing/workflow-runs.ts'

const NODES = [{ id: 'a', handler: 'a', disabled: true as const }]

test('a workflow of which no node was needed has the result that it says', async (context) => {
  const run = await WorkflowRun.start(await createTestCoordinator(context), { nodes: NODES, output: "{'n': payload.n}" }, { n: 3 })
  const { state, reason, result } = await run.record()
  assert.deepEqual([state, reason, result], ['succeeded', 'nothing-to-do', '{"n":3}'])
})

test('one whose result cannot be computed has failed', async (context) => {
  const run = await WorkflowRun.start(await createTestCoordinator(context), { nodes: NODES, output: 'payload.missing' }, { n: 3 })
  const { state, reason } = await run.record()
  assert.deepEqual([state, reason], ['failed', 'invalid-result'])
})
