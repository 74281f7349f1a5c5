import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aSignal } from '@carillon/store/testing'
import { createTestCoordinator, type TestCoordinator } from '../../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../../testing/workflow-runs.ts'

const NODES = [
  { id: 'a', handler: 'a' },
  { id: 'approve', wait: { approval: { timeoutMs: 60_000 } }, after: 'a' },
  { id: 'ship', handler: 'ship', after: 'approve' },
]

async function signal(coordinator: TestCoordinator, runId: string, payload: unknown) {
  const sent = await coordinator.sendSignals.send({ namespace: 'default', by: 'shop', input: { runId, name: 'approve', payload } })
  await turns()
  return sent.state
}

/** A run whose node waits for its approval. */
async function waitingRun(coordinator: TestCoordinator): Promise<WorkflowRun> {
  const run = await WorkflowRun.start(coordinator, { nodes: NODES })
  await run.ends('a')
  assert.equal(await run.states(), 'a:succeeded approve:delayed')
  return run
}

test('a signal with the name of the node approves it, and says who has', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await waitingRun(coordinator)
  assert.equal(await signal(coordinator, run.id, { by: 'ada', note: 'ok' }), 'taken')
  assert.equal(await run.states(), 'a:succeeded approve:succeeded ship:queued')
  const { decision, by, note } = JSON.parse((await run.task('approve'))?.result ?? '') as Record<string, unknown>
  assert.deepEqual([decision, by, note], ['approved', 'ada', 'ok'])
  const decide = { runId: run.id, node: 'approve' } as const
  const again = await coordinator.decideApprovals.decide('default', { ...decide, decision: 'approved' }, { by: 'eve' })
  assert.deepEqual([again.already, again.by], [true, 'ada'])
  await assert.rejects(coordinator.decideApprovals.decide('default', { ...decide, decision: 'rejected' }, { by: 'eve' }), {
    code: 'DECIDED_OTHERWISE',
  })
})

test('without a payload the sender approves; one that came before its node waits for it', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, { nodes: NODES })
  assert.equal(await signal(coordinator, run.id, null), 'kept')
  await run.ends('a')
  assert.equal(await run.states(), 'a:succeeded approve:succeeded ship:queued')
  assert.equal((await run.task('approve'))?.node?.by, 'shop')
})

test('a signal may reject; one that is no decision does, since what follows an approval must not run without one', async (context) => {
  const coordinator = await createTestCoordinator(context)
  for (const [payload, error] of [
    [{ decision: 'rejected', by: 'bob', note: 'too dear' }, /^bob rejected it: too dear$/],
    [{ decision: 'maybe' }, /^shop rejected it: the signal is no decision: payload\.decision: /],
    [{ approved: false }, /^shop rejected it: the signal is no decision: payload: .*approved/],
    [false, /^shop rejected it: the signal is no decision: payload: /],
    [{ by: 'x'.repeat(1_000) }, /^shop rejected it: the signal is no decision: payload\.by: /],
  ] as const) {
    const run = await waitingRun(coordinator)
    await signal(coordinator, run.id, payload)
    const { state, reason, error: failure } = (await run.task('approve')) ?? {}
    assert.deepEqual([state, reason], ['failed', 'rejected'])
    assert.match(failure?.message ?? '', error)
  }
})

test('a signal that came before the node was begun again does not approve its later generation', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await waitingRun(coordinator)
  assert.equal(await signal(coordinator, run.id, { by: 'ada' }), 'taken')
  assert.equal(await signal(coordinator, run.id, { by: 'bob' }), 'kept')
  await run.ends('ship', { outcome: 'failed', error: { name: 'Error', message: 'no' } })
  await coordinator.clock.advance(1_000)
  await coordinator.changeRuns.retry('default', { runId: run.id, fromNode: 'approve' })
  await turns()
  assert.equal((await run.task('approve', 2))?.state, 'delayed')
  assert.equal(await signal(coordinator, run.id, { by: 'eve' }), 'taken')
  assert.deepEqual([(await run.task('approve', 2))?.state, (await run.task('approve', 2))?.node?.by], ['succeeded', 'eve'])
})

test('one that came in time approves, also when the time limit is noticed first', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, clock } = coordinator
  const run = await waitingRun(coordinator)
  const times = { at: clock.now(), expiresAt: clock.now() + 1_000, wakeAt: clock.now() + 600_000 }
  await store.signals.insert([aSignal(run.id, 1, { name: 'approve', payload: 'null', ...times })])
  await clock.advance(60_001)
  await coordinator.wakeLives.execute([(await run.task('approve'))?.id ?? ''])
  await turns()
  assert.equal(await run.states(), 'a:succeeded approve:succeeded ship:queued')
})
