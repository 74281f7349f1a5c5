import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeTaskId } from '@carillon/contracts'
import { aRun, aTask } from '@carillon/store/testing'
import { createTestCoordinator } from '../testing/test-coordinator.ts'
import { RecoverRuns } from './recover-runs.ts'

test('recover finds a failed task behind more failed nodes than are read at once, none of which is the task of a handler', async (context) => {
  const { store, clock, tasks } = await createTestCoordinator(context)
  const [run, instead] = [aRun(1, { mode: 'workflow', state: 'running', queuedAt: null }), aRun(2, { state: 'waiting' })]
  await store.runs.insert([run, instead])
  const failed = { state: 'failed', reason: 'not-startable', endedAt: clock.now(), queuedAt: null } as const
  const nodes = Array.from({ length: 600 }, (_, n) => ({ ...aTask(run.id, n), ...failed, id: nodeTaskId(run.id, n, 1), node: {} }))
  const work = { ...aTask(run.id, 600), ...failed, id: nodeTaskId(run.id, 600, 1), node: { own: { handler: 'h' } } }
  await store.tasks.insert([...nodes, work])
  const soon: string[] = []
  const recover = new RecoverRuns({ store, tasks, clock, reconciler: { soon: (id) => void soon.push(id) } })
  const [change] = await recover.execute(run.id, [instead])
  assert.equal(change?.decision.set.reason, 'recovered')
  assert.match(change?.decision.set.error?.message ?? '', /^1 failed tasks of run/)
  assert.equal((await store.tasks.heads([work.id]))[0]?.state, 'waiting')
  assert.deepEqual(soon, [run.id])
})
