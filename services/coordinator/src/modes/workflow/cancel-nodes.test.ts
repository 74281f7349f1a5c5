import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeTaskId, subjects } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { RunRecord } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../../testing/test-coordinator.ts'

async function withRun(coordinator: TestCoordinator, workflow: object): Promise<RunRecord> {
  const graph = JSON.stringify(workflow)
  const run = aRun(1, { mode: 'workflow', handler: 'orders', graph, queuedAt: coordinator.clock.now() })
  await coordinator.runs.insert([run])
  await turns()
  return run
}

async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await settle()
}

test('a node that is cancelled before it began loses its message, and instances that offer its handler are notified', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { fake, presence, changeRuns } = coordinator
  presence.alive.set('charge', ['i-1'])
  const run = await withRun(coordinator, { nodes: [{ id: 'pay', handler: 'charge' }] })
  const subject = subjects.work('default', 'charge', nodeTaskId(run.id, 0, 1))
  assert.deepEqual(
    fake.published.map((message) => message.subject),
    [subject],
  )
  await changeRuns.cancel('default', run.id)
  await turns()
  assert.equal((await runOf(coordinator, run.id)).state, 'cancelled')
  assert.deepEqual(fake.purged, [subject])
  assert.deepEqual(fake.publishedTo('control.i-1'), [{ type: 'cancel', taskId: nodeTaskId(run.id, 0, 1) }])
})

test('what another coordinator starts of a workflow that has stopped at a failure is cancelled', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, clock, applyReports, wakeLives } = coordinator
  const run = await withRun(coordinator, {
    failFast: true,
    nodes: [
      { id: 'a', handler: 'h' },
      { id: 'b', handler: 'h' },
      { id: 'c', handler: 'h', after: 'b' },
    ],
  })
  const end = (place: number, outcome: string) =>
    reportsFrom('i-1', { runId: run.id, taskId: nodeTaskId(run.id, place, 1), attempt: 1, type: 'finished', outcome })
  await applyReports.execute([end(1, 'succeeded')])
  await turns()
  const [started] = await store.tasks.get([nodeTaskId(run.id, 2, 1)])
  assert.equal(started?.state, 'queued')
  // As if the other one had not known of the failure: it inserts the task when the run has ended, and stops before it publishes it.
  await applyReports.execute([end(0, 'failed'), end(2, 'succeeded')])
  await turns()
  assert.equal((await runOf(coordinator, run.id)).state, 'failed')
  await store.tasks.insert([{ ...started, id: nodeTaskId(run.id, 2, 2) } as NonNullable<typeof started>])
  await clock.advance(10_000)
  const due = await store.runs.due({ until: clock.now(), shares: Array.from({ length: 64 }, (_, i) => i), limit: 10 })
  await wakeLives.execute(due.map(({ id }) => id))
  await turns()
  assert.equal((await store.tasks.get([nodeTaskId(run.id, 2, 2)]))[0]?.state, 'cancelled')
})
