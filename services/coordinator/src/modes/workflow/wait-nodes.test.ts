import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aSignal } from '@carillon/store/testing'
import { createTestCoordinator, type TestCoordinator } from '../../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../../testing/workflow-runs.ts'
import { endedWait } from './rules/wait-node.ts'

const SIGNAL = [
  { id: 'paid', wait: { signal: 'paid', timeoutMs: 60_000 } },
  { id: 'ship', handler: 'ship', after: 'paid', payload: 'nodes.paid.result' },
]
const APPROVAL = [
  { id: 'approve', wait: { approval: { timeoutMs: 60_000 } } },
  { id: 'ship', handler: 'ship', after: 'approve' },
]

async function send(coordinator: TestCoordinator, runId: string, payload: unknown) {
  const sent = await coordinator.sendSignals.send({ namespace: 'default', by: 'bank', input: { runId, name: 'paid', payload } })
  await turns()
  return sent
}
const decide = async (
  coordinator: TestCoordinator,
  request: { runId: string; node?: string; generation?: number; note?: string },
  [decision, by]: ['approved' | 'rejected', string],
) => {
  const decided = await coordinator.decideApprovals.decide('default', { node: 'approve', ...request, decision }, { by })
  await turns()
  return decided
}
/** Its time limit is noticed. */
async function wake(coordinator: TestCoordinator, taskId: string | undefined): Promise<void> {
  await coordinator.wakeLives.execute([taskId ?? ''])
  await turns()
}

test('a node waits for a signal without a task at an executor; its result is the payload', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, { nodes: SIGNAL })
  const { state, reason, wakeAt } = (await run.task('paid')) ?? {}
  assert.deepEqual([state, reason, wakeAt], ['delayed', 'signal', coordinator.clock.now() + 60_000])
  assert.match(
    (await coordinator.readRuns.why('default', run.id)).why,
    /node paid: it waits for the signal `paid` since 20\S+Z; its time is over at \S+Z: carillon runs signal \w+ paid$/,
  )
  const tree = await coordinator.readTree.execute('default', run.id)
  assert.deepEqual(tree.nodes?.[0]?.awaits, { signal: 'paid' })
  assert.equal((await send(coordinator, run.id, { ref: 7 })).state, 'taken')
  assert.equal(await run.states(), 'paid:succeeded ship:queued')
  assert.deepEqual(
    coordinator.fake.publishedTo('work.').map((body) => (body as { payload: unknown }).payload),
    [{ ref: 7 }],
  )
})

test('a run of which all open nodes wait for people, others or an instance has that reason; one that moves by itself has none', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { readRuns, presence } = coordinator
  const nodes = [
    { id: 'ask', wait: { approval: {} } },
    { id: 'paid', wait: { signal: 'paid' } },
    { id: 'work', handler: 'work' },
    { id: 'ship', handler: 'ship', after: ['ask', 'paid', 'work'] },
  ]
  const run = await WorkflowRun.start(coordinator, { nodes })
  const shown = async () => {
    const { state, reason, message } = await readRuns.get('default', run.id)
    return [state, reason, message?.match(/node \w+/g)?.join(', ')]
  }
  assert.deepEqual(await shown(), ['running', 'approval', 'node ask, node paid, node work'])
  presence.alive.set('work', ['i-1'])
  assert.deepEqual(await shown(), ['running', undefined, undefined])
  await run.ends('work')
  assert.deepEqual(await shown(), ['running', 'approval', 'node ask, node paid'])
  await decide(coordinator, { runId: run.id, node: 'ask' }, ['approved', 'ada'])
  assert.deepEqual(await shown(), ['running', 'signal', 'node paid'])
  await send(coordinator, run.id, null)
  assert.deepEqual(await shown(), ['running', 'no-instance', 'node ship'])
  assert.match((await readRuns.get('default', run.id)).message ?? '', /no instance offers handler `ship`/)
  assert.equal((await run.record()).reason, null)
  const timed = await WorkflowRun.start(coordinator, { nodes: [nodes[0], { id: 'cool', wait: { durationMs: 60_000 } }] as typeof nodes })
  assert.equal((await readRuns.get('default', timed.id)).reason, undefined)
})

test('a signal that came before the node, or before the run, is taken when the node begins; without a time limit there is no timer', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = [
    { id: 'a', handler: 'a' },
    { id: 'one', wait: { signal: 'paid' }, after: 'a' },
    { id: 'two', wait: { signal: 'paid' }, after: 'one' },
  ]
  const run = await WorkflowRun.start(coordinator, { nodes })
  assert.equal((await send(coordinator, run.id, 1)).state, 'kept')
  await run.ends('a')
  assert.equal(await run.states(), 'a:succeeded one:succeeded two:delayed')
  // Once only, it is checked that its run is open.
  await coordinator.clock.advance(10_000)
  await wake(coordinator, (await run.task('two'))?.id)
  assert.deepEqual([await run.states(), (await run.task('two'))?.wakeAt], ['a:succeeded one:succeeded two:delayed', null])
  await send(coordinator, run.id, 2)
  assert.deepEqual([(await run.record()).state, (await run.task('two'))?.result], ['succeeded', '2'])
})

test('a time limit fails the node: what follows is blocked, or goes on with skip; a signal in time counts first (35, 36)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const blocked = await WorkflowRun.start(coordinator, { nodes: SIGNAL })
  const late = await WorkflowRun.start(coordinator, { nodes: SIGNAL })
  const { store, clock } = coordinator
  await clock.advance(60_000)
  await wake(coordinator, (await blocked.task('paid'))?.id)
  const { state, reason, error } = (await blocked.task('paid')) ?? {}
  assert.deepEqual([state, reason, error?.message], ['failed', 'wait-timeout', 'no signal paid has come within 60000 ms'])
  assert.equal((await blocked.record()).state, 'failed')
  // It is stored as one that came in time, and nothing has followed.
  const times = { at: clock.now(), expiresAt: clock.now() + 1_000, wakeAt: clock.now() + 5_000 }
  await store.signals.insert([aSignal(late.id, 1, { name: 'paid', ...times })])
  await clock.advance(10)
  await wake(coordinator, (await late.task('paid'))?.id)
  assert.equal(await late.states(), 'paid:succeeded ship:queued')
  const skipped = await WorkflowRun.start(coordinator, { nodes: [{ ...SIGNAL[0], onFailure: 'skip' }, SIGNAL[1]] as never })
  await clock.advance(60_000)
  await wake(coordinator, (await skipped.task('paid'))?.id)
  assert.equal(await skipped.states(), 'paid:failed ship:queued')
})

test('a time that comes after the signal changes nothing, and the next wait of that name has a signal of its own (36)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = [...SIGNAL, { id: 'again', wait: { signal: 'paid', timeoutMs: 120_000 }, after: 'paid' }]
  const run = await WorkflowRun.start(coordinator, { nodes })
  const [old] = await coordinator.store.tasks.get([(await run.task('paid'))?.id ?? ''])
  await coordinator.clock.advance(59_999)
  assert.equal((await send(coordinator, run.id, { ref: 1 })).state, 'taken')
  await coordinator.clock.advance(1)
  // The timer that was set when it began to wait, and the write of a coordinator that had noticed its end a moment before.
  await wake(coordinator, old?.id)
  const late = endedWait(old as NonNullable<typeof old>, coordinator.clock.now())
  assert.deepEqual(await coordinator.tasks.write([{ run: await run.record(), task: old as NonNullable<typeof old>, decision: late }]), [
    'refused',
  ])
  assert.equal(await run.states(), 'paid:succeeded ship:queued again:delayed')
  assert.equal((await run.task('paid'))?.result, '{"ref":1}')
  assert.equal(coordinator.fake.publishedTo('work.').length, 1)
  await send(coordinator, run.id, { ref: 2 })
  assert.equal((await run.task('again'))?.result, '{"ref":2}')
})

test('an approval is given once: the same answer names who, another one is a conflict; what follows runs once (37)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, { nodes: APPROVAL })
  assert.match(
    (await coordinator.readRuns.why('default', run.id)).why,
    /node approve waits until someone approves or rejects it since 20\S+Z; its time is over at \S+Z: carillon runs approve 01\w+ approve$/,
  )
  const both = await Promise.all([
    decide(coordinator, { runId: run.id, note: 'ok' }, ['approved', 'ada']),
    decide(coordinator, { runId: run.id }, ['approved', 'bob']),
  ])
  assert.deepEqual(both.map(({ already }) => already).sort(), [false, true])
  assert.equal(both[0].by, both[1].by)
  const again = await decide(coordinator, { runId: run.id }, ['approved', 'eve'])
  assert.deepEqual([again.already, again.by, again.decision], [true, both[0].by, 'approved'])
  await assert.rejects(decide(coordinator, { runId: run.id }, ['rejected', 'eve']), {
    code: 'DECIDED_OTHERWISE',
    message: /has approved it/,
  })
  assert.equal(await run.states(), 'approve:succeeded ship:queued')
  assert.equal(coordinator.fake.publishedTo('work.').length, 1)
  const tree = await coordinator.readTree.execute('default', run.id)
  assert.deepEqual(tree.nodes?.[0]?.decided?.by, both[0].by)
  const result = JSON.parse((await run.task('approve'))?.result ?? '')
  assert.deepEqual([result.decision, result.by], ['approved', both[0].by])
})

test('two approvals side by side both count; what follows runs after both (38); a rejection fails its node', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const wait = { approval: {} }
  const nodes = [
    { id: 'one', wait },
    { id: 'two', wait },
    { id: 'join', handler: 'h', after: ['one', 'two'] },
  ]
  const run = await WorkflowRun.start(coordinator, { nodes })
  await Promise.all(['one', 'two'].map((node) => decide(coordinator, { runId: run.id, node }, ['approved', 'ada'])))
  assert.equal(await run.states(), 'one:succeeded two:succeeded join:queued')
  const other = await WorkflowRun.start(coordinator, { nodes })
  await decide(coordinator, { runId: other.id, node: 'one', note: 'too dear' }, ['rejected', 'bob'])
  const { state, reason, error } = (await other.task('one')) ?? {}
  assert.deepEqual([state, reason, error?.message], ['failed', 'rejected', 'bob rejected it: too dear'])
  await decide(coordinator, { runId: other.id, node: 'two' }, ['approved', 'bob'])
  assert.equal((await other.record()).state, 'failed')
})

test('a decision names node and generation: one of a step before, or of an earlier time of the node, is a conflict (39)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, { nodes: [...APPROVAL, { id: 'next', wait: { approval: {} }, after: 'ship' }] })
  await assert.rejects(decide(coordinator, { runId: run.id, node: 'next' }, ['approved', 'ada']), { code: 'INVALID_REQUEST' })
  await assert.rejects(decide(coordinator, { runId: run.id, node: 'ship' }, ['approved', 'ada']), { code: 'INVALID_REQUEST' })
  await decide(coordinator, { runId: run.id, generation: 1 }, ['rejected', 'ada'])
  assert.equal((await run.record()).state, 'failed')
  await coordinator.changeRuns.retry('default', { runId: run.id, fromNode: 'approve' })
  await turns()
  assert.deepEqual([(await run.task('approve', 2))?.state, (await run.task('approve', 2))?.reason], ['delayed', 'approval'])
  await assert.rejects(decide(coordinator, { runId: run.id, generation: 1 }, ['rejected', 'ada']), { code: 'DECIDED_OTHERWISE' })
  assert.equal((await coordinator.readTree.execute('default', run.id)).nodes?.[0]?.generation, 2)
  assert.equal((await decide(coordinator, { runId: run.id, generation: 2 }, ['approved', 'ada'])).already, false)
  assert.equal((await run.task('ship', 2))?.state, 'queued')
})

test('an approval and its time limit, and a cancel, in the same moment: the first write decides (35)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, { nodes: APPROVAL })
  await coordinator.clock.advance(60_000)
  await Promise.all([wake(coordinator, (await run.task('approve'))?.id), decide(coordinator, { runId: run.id }, ['approved', 'ada'])])
  assert.equal(await run.states(), 'approve:succeeded ship:queued')
  const over = await WorkflowRun.start(coordinator, { nodes: APPROVAL })
  await coordinator.clock.advance(60_000)
  await wake(coordinator, (await over.task('approve'))?.id)
  await assert.rejects(decide(coordinator, { runId: over.id }, ['approved', 'ada']), { code: 'DECIDED_OTHERWISE', message: /wait-timeout/ })
  const cancelled = await WorkflowRun.start(coordinator, { nodes: APPROVAL })
  await coordinator.changeRuns.cancel('default', cancelled.id)
  await turns()
  assert.equal((await cancelled.record()).state, 'cancelled')
  await assert.rejects(decide(coordinator, { runId: cancelled.id }, ['approved', 'ada']), { code: 'DECIDED_OTHERWISE' })
})

test('a run that only waits is at rest: no check is due for a day; work that begins is checked again', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = [
    { id: 'paid', wait: { signal: 'paid' } },
    { id: 'ship', handler: 'ship', after: 'paid' },
  ]
  const run = await WorkflowRun.start(coordinator, { nodes })
  const due = (await run.record()).wakeAt ?? 0
  await coordinator.clock.advance(due - coordinator.clock.now())
  await wake(coordinator, run.id)
  await wake(coordinator, (await run.task('paid'))?.id)
  assert.equal((await run.record()).wakeAt, due + 86_400_000)
  assert.equal((await run.task('paid'))?.wakeAt, null)
  await send(coordinator, run.id, 1)
  assert.equal(await run.states(), 'paid:succeeded ship:queued')
  assert.ok(((await run.record()).wakeAt ?? 0) <= coordinator.clock.now() + 10_000)
})

for (const nodes of [APPROVAL, [{ id: 'approve', wait: { durationMs: 60_000 } }, APPROVAL[1] as object]])
  test(`a coordinator dies after it has ended a wait, and the run is at rest: ${'approval' in (nodes[0] as { wait: object }).wait}`, async (context) => {
    const coordinator = await createTestCoordinator(context)
    const run = await WorkflowRun.start(coordinator, { nodes: nodes as never })
    const { advance, clock } = coordinator
    await clock.advance(30_000)
    await wake(coordinator, run.id)
    const isApproval = (await run.task('approve'))?.reason === 'approval'
    await clock.advance(isApproval ? 0 : 30_000)
    const { soon } = advance
    if (isApproval) advance.soon = () => undefined
    // Of a timed wait the planner is the one that ends it: what it does next is lost.
    const { insert } = coordinator.store.tasks
    coordinator.store.tasks.insert = () => Promise.reject(new Error('it dies here'))
    if (isApproval) await decide(coordinator, { runId: run.id }, ['approved', 'ada'])
    else await wake(coordinator, (await run.task('approve'))?.id)
    Object.assign(advance, { soon })
    coordinator.store.tasks.insert = insert
    assert.equal(await run.states(), 'approve:succeeded')
    await clock.advance(10_000)
    await wake(coordinator, (await run.task('approve'))?.id)
    assert.equal(await run.states(), 'approve:succeeded ship:queued')
    assert.equal((await run.task('approve'))?.wakeAt, null)
  })

test('a signal that is taken for a node which ended otherwise is free again', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, clock } = coordinator
  const run = await WorkflowRun.start(coordinator, { nodes: [...SIGNAL, { id: 'hold', handler: 'h' }] })
  const task = await run.task('paid')
  const at = clock.now()
  await clock.advance(60_000)
  await wake(coordinator, task?.id)
  const signal = aSignal(run.id, 1, { name: 'paid', at, takenBy: task?.id ?? '', expiresAt: clock.now() + 9_000, wakeAt: clock.now() })
  await store.signals.insert([signal])
  await coordinator.wakeSignals.execute([signal.id])
  assert.equal((await store.signals.get([signal.id]))[0]?.takenBy, null)
})

test('three waits of one name take one signal each, also behind one whose time was over (34); before, between and after (32)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const wait = { signal: 'paid' }
  const nodes = [
    { id: 'one', wait },
    { id: 'two', wait: { ...wait, timeoutMs: 1_000 }, after: 'one', onFailure: 'skip' as const },
    { id: 'three', wait, after: 'two' },
    { id: 'last', handler: 'h', after: 'three', payload: '[nodes.one.result, nodes.three.result]' },
  ]
  const run = await WorkflowRun.start(coordinator, { nodes })
  await send(coordinator, run.id, 1)
  await coordinator.clock.advance(1_001)
  // It is too late for the second one, whose time limit nobody has noticed so far.
  assert.equal((await send(coordinator, run.id, 3)).state, 'kept')
  await wake(coordinator, (await run.task('two'))?.id)
  assert.equal(await run.states(), 'one:succeeded two:failed three:succeeded last:queued')
  assert.deepEqual(
    coordinator.fake.publishedTo('work.').map((body) => (body as { payload: unknown }).payload),
    [[1, 3]],
  )
})

test('a run that goes on after an approval runs nothing before it again (40)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = [{ id: 'reserve', handler: 'reserve' }, { ...APPROVAL[0], after: 'reserve' }, APPROVAL[1]]
  const run = await WorkflowRun.start(coordinator, { nodes: nodes as never })
  await run.ends('reserve', { result: 1 })
  await decide(coordinator, { runId: run.id }, ['approved', 'ada'])
  assert.equal(await run.states(), 'reserve:succeeded approve:succeeded ship:queued')
  const handlers = coordinator.fake.publishedTo('work.').map((body) => (body as { task: unknown }).task)
  assert.deepEqual(handlers, ['reserve', 'ship'])
})

test('a cancel while a join waits for an approval, or a node is between attempts, is a cancel and no failure (46)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = [
    { id: 'one', wait: { approval: {} } },
    { id: 'two', handler: 'h', attempts: 3, backoff: { type: 'fixed' as const, delayMs: 60_000 } },
    { id: 'join', handler: 'h', after: ['one', 'two'] },
  ]
  const run = await WorkflowRun.start(coordinator, { nodes })
  await run.ends('two', { outcome: 'failed', error: { name: 'Error', message: 'not now' } })
  assert.equal(await run.states(), 'one:delayed two:delayed')
  await coordinator.changeRuns.cancel('default', run.id)
  await turns()
  assert.deepEqual([(await run.record()).state, (await run.record()).reason], ['cancelled', 'cancelled-by-request'])
  assert.equal(await run.states(), 'one:cancelled two:cancelled')
})

test('a signal to a run that has ended is refused, and not kept (41)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, { nodes: [{ id: 'paid', wait: { signal: 'paid' } }] })
  await send(coordinator, run.id, 1)
  assert.equal((await run.record()).state, 'succeeded')
  await assert.rejects(send(coordinator, run.id, 2), { code: 'RUN_ENDED' })
  const { items } = await coordinator.readSignals.list('default', { runId: run.id, limit: 10 })
  assert.deepEqual(
    items.map(({ payload, state }) => [payload, state]),
    [[1, 'taken']],
  )
})

test('a signal to a run that is paused: a node that waits takes it, however late, and nothing follows; else it is kept until one waits (41)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = [...SIGNAL, { id: 'again', wait: { signal: 'paid', timeoutMs: 1_000 }, after: 'paid' }]
  const run = await WorkflowRun.start(coordinator, { nodes })
  await coordinator.changeRuns.pause('default', run.id)
  await turns()
  await coordinator.clock.advance(90_000)
  assert.equal((await send(coordinator, run.id, { ref: 7 })).state, 'taken')
  assert.equal((await send(coordinator, run.id, { ref: 8 })).state, 'kept')
  assert.equal(await run.states(), 'paid:succeeded')
  await coordinator.clock.advance(90_000)
  await coordinator.changeRuns.resume('default', run.id)
  await turns()
  assert.equal(await run.states(), 'paid:succeeded ship:queued again:succeeded')
  assert.deepEqual([(await run.task('paid'))?.result, (await run.task('again'))?.result], ['{"ref":7}', '{"ref":8}'])
})
