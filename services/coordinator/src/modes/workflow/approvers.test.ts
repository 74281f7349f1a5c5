/** Approvals that name roles: who decides about them, and which ways lead around them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aSignal } from '@carillon/store/testing'
import { createTestCoordinator, type TestCoordinator } from '../../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../../testing/workflow-runs.ts'
import { checkApprover } from './rules/approvers.ts'

const NODES = [
  { id: 'approve', wait: { approval: { by: ['finance', 'admin'] } } },
  { id: 'ship', handler: 'ship', after: 'approve' },
]
const account = (...roles: string[]) => ({ by: 'bob', origin: { account: 'user/bob', roles } })
const FORBIDDEN = { code: 'FORBIDDEN' }

async function waiting(coordinator: TestCoordinator) {
  const run = await WorkflowRun.start(coordinator, { nodes: NODES })
  assert.equal(await run.states(), 'approve:delayed')
  return { run, at: { runId: run.id, node: 'approve' } }
}

test('one of the roles is enough, none is not, and without an account there is none', () => {
  const node = { id: 'approve', wait: { approval: { by: ['finance', 'admin'] } } } as const
  const anyone = { id: 'approve', wait: { approval: {} } } as const
  const check = (of: typeof node | typeof anyone, roles?: string[]) => () =>
    checkApprover(of as never, roles && { account: 'user/bob', roles })
  for (const roles of [['finance'], ['viewer', 'operator', 'developer', 'admin']]) assert.doesNotThrow(check(node, roles))
  for (const roles of [undefined, [], ['viewer', 'operator', 'developer'], ['Finance']]) {
    assert.throws(check(node, roles), { ...FORBIDDEN, message: /decided by the roles finance, admin/ })
    assert.doesNotThrow(check(anyone, roles))
  }
  assert.throws(() => checkApprover(node as never, { account: 'user/bob' }), FORBIDDEN)
})

test('only an account with one of the roles approves, rejects, skips or overrules; who it was is kept', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { decideApprovals, changeNodes } = coordinator
  const { run, at } = await waiting(coordinator)
  for (const caller of [{ by: 'ada' }, account('viewer', 'operator', 'developer')])
    for (const attempt of [
      () => decideApprovals.decide('default', { ...at, decision: 'approved' }, caller),
      () => decideApprovals.decide('default', { ...at, decision: 'rejected' }, caller),
      () => changeNodes.skip('default', at, caller),
      () => changeNodes.succeed('default', { ...at, result: { decision: 'approved' } }, caller),
    ])
      await assert.rejects(attempt, FORBIDDEN)
  await turns()
  assert.equal(await run.states(), 'approve:delayed')
  const decided = await decideApprovals.decide('default', { ...at, decision: 'approved' }, account('operator', 'finance'))
  assert.deepEqual([decided.by, decided.already], ['bob', false])
  await turns()
  assert.equal(await run.states(), 'approve:succeeded ship:queued')
})

test('a retry from behind the approval does not lead around it', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, at } = await waiting(coordinator)
  await coordinator.decideApprovals.decide('default', { ...at, decision: 'rejected' }, account('admin'))
  await turns()
  assert.equal((await run.record()).state, 'failed')
  await assert.rejects(coordinator.changeNodes.succeed('default', at, account('operator')), FORBIDDEN)
  await coordinator.clock.advance(1_000)
  await coordinator.changeRuns.retry('default', { runId: run.id, node: 'ship' })
  await turns()
  assert.equal(await run.task('ship', 2), undefined)
  assert.equal((await run.record()).state, 'failed')
})

test('a signal decides nothing: neither by a call, nor one that came before its run, nor one that another program has stored', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const send = (runId: string) =>
    coordinator.sendSignals.send({ namespace: 'default', by: 'ada', input: { runId, name: 'approve', payload: { by: 'ada' } } })
  const { run } = await waiting(coordinator)
  await assert.rejects(send(run.id), { ...FORBIDDEN, message: /a signal does not decide/ })
  await coordinator.store.signals.insert([aSignal(run.id, 1, { name: 'approve', payload: 'null', wakeAt: coordinator.clock.now() })])
  await coordinator.wakeSignals.execute([aSignal(run.id, 1, { name: 'approve' }).id])
  await coordinator.waits.arrived({ namespace: 'default', runId: run.id, name: 'approve' })
  await turns()
  assert.equal(await run.states(), 'approve:delayed')
  // Signals of other names are kept as ever.
  const other = { runId: run.id, name: 'other', payload: 1 }
  assert.equal((await coordinator.sendSignals.send({ namespace: 'default', by: 'ada', input: other })).state, 'kept')
})
