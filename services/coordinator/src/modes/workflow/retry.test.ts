import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeTaskId } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import { aRun } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, runOf } from '../../testing/test-coordinator.ts'

async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await settle()
}

test('what a coordinator starts late, from before a retry, is history for it', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, clock, runs, applyReports, changeRuns, wakeLives } = coordinator
  const nodes = [
    { id: 'a', handler: 'h' },
    { id: 'b', handler: 'h' },
    { id: 'c', handler: 'h', after: 'b' },
  ]
  const run = aRun(1, { mode: 'workflow', graph: JSON.stringify({ failFast: true, nodes }), queuedAt: clock.now() })
  await runs.insert([run])
  await turns()
  const end = (place: number, outcome: string) =>
    reportsFrom('i-1', { runId: run.id, taskId: nodeTaskId(run.id, place, 1), attempt: 1, type: 'finished', outcome })
  // The run stops before c has begun.
  await applyReports.execute([end(0, 'failed'), end(1, 'succeeded')])
  await turns()
  const before = nodeTaskId(run.id, 2, 1)
  assert.deepEqual(await store.tasks.get([before]), [undefined])
  await clock.advance(1)
  await changeRuns.retry('default', { runId: run.id })
  await turns()
  const [other] = await store.tasks.get([nodeTaskId(run.id, 1, 2)])
  // Another coordinator had planned to begin it, and its write comes only now.
  await store.tasks.insert([
    { ...other, id: before, name: 'c', index: 2, state: 'succeeded', endedAt: clock.now() } as NonNullable<typeof other>,
  ])
  for (const place of [0, 1])
    await applyReports.execute([
      reportsFrom('i-1', { runId: run.id, taskId: nodeTaskId(run.id, place, 2), attempt: 1, type: 'finished', outcome: 'succeeded' }),
    ])
  await turns()
  assert.equal((await store.tasks.get([nodeTaskId(run.id, 2, 2)]))[0]?.state, 'queued')
  // It is open when the run has ended.
  await store.tasks.update([
    { id: before, expect: { state: ['succeeded'] }, set: { state: 'queued', endedAt: null, queuedAt: clock.now() } },
  ])
  const last = { runId: run.id, taskId: nodeTaskId(run.id, 2, 2), attempt: 1, type: 'finished', outcome: 'succeeded' }
  await applyReports.execute([reportsFrom('i-1', last)])
  await turns()
  assert.equal((await runOf(coordinator, run.id)).state, 'succeeded')
  await clock.advance(10_000)
  await wakeLives.execute([run.id])
  await turns()
  assert.equal((await store.tasks.get([before]))[0]?.state, 'cancelled')
})
