import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { LIMITS, TIMES } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { RunRecord, SignalStore, Store } from '@carillon/store'
import { openStore } from '@carillon/store'
import { aRun, aSignal, runId } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

const NAME = 'paid'

/** A run that has begun, on a store whose writes a test may watch. */
async function aTask(context: TestContext, { store }: { store?: Store } = {}) {
  const coordinator = await createTestCoordinator(context, store ? { store } : {})
  const run = aRun(1, { queuedAt: coordinator.clock.now() })
  await coordinator.runs.insert([run])
  await settle()
  await coordinator.applyReports.execute([reportsFrom('i-1', { type: 'started', runId: run.id, taskId: run.id, attempt: 1 })])
  const send = (payload: unknown, more: object = {}) =>
    coordinator.sendSignals.send({ namespace: 'default', by: 'ada', input: { runId: run.id, name: NAME, payload, ...more } })
  return { coordinator, run, send }
}

const waitFor = async (
  coordinator: TestCoordinator,
  run: RunRecord,
  { index = 0, attempt = 1, timeoutMs }: { index?: number; attempt?: number; timeoutMs?: number } = {},
) => {
  const outcome = { type: 'waiting', ...(timeoutMs === undefined ? {} : { timeoutMs }) } as const
  return (await coordinator.keepSteps.store('default', { taskId: run.id, attempt, instance: 'i-1', index, name: NAME, try: 1, outcome }))
    .stored
}
const slept = (run: RunRecord, more: object = {}) =>
  reportsFrom('i-1', { type: 'slept', runId: run.id, taskId: run.id, attempt: 1, waits: [{ step: 0, signal: NAME }], ...more })

test('a signal between the answer that a step waits and its report wakes the task when that report comes, also when it is repeated (32, 40)', async (context) => {
  const { coordinator, run, send } = await aTask(context)
  assert.equal((await waitFor(coordinator, run)).state, 'waiting')
  assert.equal((await send(7)).state, 'kept')
  await coordinator.applyReports.execute([slept(run)])
  const awake = await runOf(coordinator, run.id)
  assert.deepEqual([awake.state, awake.attempt, awake.attempts], ['queued', 2, 2])
  await coordinator.applyReports.execute([slept(run)])
  assert.equal((await runOf(coordinator, run.id)).attempt, 2)
  const [entry] = (await coordinator.keepSteps.read('default', { taskId: run.id, limit: 10 })).items
  assert.deepEqual([entry?.state, entry?.result, entry?.by], ['received', 7, 'ada'])
})

test('a coordinator that dies after it has stored that a task waits, or a signal, leaves what another one finishes', async (context) => {
  const { coordinator, run } = await aTask(context)
  await waitFor(coordinator, run)
  await coordinator.applyReports.execute([slept(run)])
  // It is stored, and nothing has followed.
  const signal = aSignal(run.id, 1, {
    at: coordinator.clock.now(),
    expiresAt: coordinator.clock.now() + 60_000,
    wakeAt: coordinator.clock.now() + 5_000,
  })
  await coordinator.store.signals.insert([signal])
  await coordinator.clock.advance(5_000)
  await coordinator.wakeSignals.execute([signal.id])
  assert.equal((await runOf(coordinator, run.id)).state, 'queued')
  const [taken] = await coordinator.store.signals.get([signal.id])
  assert.deepEqual([taken?.takenBy !== null, taken?.wakeAt], [true, signal.expiresAt])
})

test('signal and time limit in the same moment: one outcome, and what lost is there for the next wait (35, 36)', async (context) => {
  const { coordinator, run, send } = await aTask(context)
  await waitFor(coordinator, run, { timeoutMs: 1_000 })
  await coordinator.applyReports.execute([slept(run, { delayMs: 1_000 })])
  assert.deepEqual([(await runOf(coordinator, run.id)).wakeAt], [coordinator.clock.now() + 1_000])
  await coordinator.clock.advance(1_001)
  // It came too late, and before the time limit was decided about.
  await send('late')
  await coordinator.wakeLives.execute([run.id])
  const late = await runOf(coordinator, run.id)
  assert.deepEqual([late.state, late.attempt], ['queued', 2])
  assert.equal((await waitFor(coordinator, run, { attempt: 2, timeoutMs: 1_000 })).state, 'timed_out')
  const next = await waitFor(coordinator, run, { attempt: 2, index: 1 })
  assert.deepEqual([next.state, next.result], ['received', 'late'])
  // Decided once.
  await send('more')
  assert.equal((await waitFor(coordinator, run, { attempt: 2, timeoutMs: 1_000 })).state, 'timed_out')
})

test('a signal that came in time counts also when the time limit is noticed first', async (context) => {
  const { coordinator, run } = await aTask(context)
  await waitFor(coordinator, run, { timeoutMs: 1_000 })
  await coordinator.applyReports.execute([slept(run, { delayMs: 1_000 })])
  await coordinator.store.signals.insert([aSignal(run.id, 1, { at: coordinator.clock.now() + 1_000 })])
  await coordinator.clock.advance(1_500)
  await coordinator.wakeLives.execute([run.id])
  assert.deepEqual([(await waitFor(coordinator, run, { attempt: 2 })).state], ['received'])
})

test('of two coordinators that decide about one wait with a signal each, the first insert counts, and the other signal is free again', async (context) => {
  const store = await openStore('sqlite::memory:')
  context.after(() => store.close())
  let race: (() => Promise<void>) | undefined
  const update: SignalStore['update'] = async (changes) => {
    const outcomes = await store.signals.update(changes)
    const run = race
    race = undefined
    await run?.()
    return outcomes
  }
  const signals = new Proxy(store.signals, { get: (of, key) => (key === 'update' ? update : (of as never)[key]).bind?.(of) ?? update })
  const watched: Store = { ...store, signals }
  const { coordinator, run } = await aTask(context, { store: watched })
  await waitFor(coordinator, run)
  const [first, second] = [aSignal(run.id, 1), aSignal(run.id, 2)]
  await store.signals.insert([first])
  const step = { taskId: run.id, index: 0, epoch: 0, name: NAME }
  race = async () => {
    // The other one has read the signals before this one was taken, and finds another.
    await store.signals.update([{ id: first.id, expect: { takenBy: `${run.id}.00000.000000000` }, set: { takenBy: 'elsewhere' } }])
    await store.signals.insert([second])
    assert.equal((await coordinator.waits.outcome('default', step))?.state, 'received')
    await store.signals.update([{ id: first.id, expect: { takenBy: 'elsewhere' }, set: { takenBy: `${run.id}.00000.000000000` } }])
  }
  const outcome = await coordinator.waits.outcome('default', step)
  assert.match(outcome?.result ?? '', /"payload":2/)
  const [one, two] = await store.signals.get([first.id, second.id])
  assert.deepEqual([one?.takenBy, two?.takenBy], [null, `${run.id}.00000.000000000`])
})

test('for a step behind another one that waits for the same nothing is taken, but its time passes (34)', async (context) => {
  const { coordinator, run, send } = await aTask(context)
  const store = (index: number, more: object) =>
    coordinator.keepSteps.store('default', {
      ...{ taskId: run.id, attempt: 1, instance: 'i-1', index, name: NAME, try: 1 },
      outcome: { type: 'waiting', ...more } as const,
    })
  assert.equal((await store(0, {})).stored.state, 'waiting')
  await send(1)
  assert.equal((await store(1, { isBehind: true, timeoutMs: 10 })).stored.state, 'waiting')
  await coordinator.clock.advance(20)
  assert.equal((await store(1, { isBehind: true, timeoutMs: 10 })).stored.state, 'timed_out')
  assert.deepEqual((await store(0, {})).stored.result, 1)
})

test('a signal that was taken for a wait that ended otherwise is free again when it is verified', async (context) => {
  const { coordinator, run } = await aTask(context)
  const now = coordinator.clock.now()
  await waitFor(coordinator, run, { timeoutMs: 10 })
  await coordinator.clock.advance(20)
  assert.equal((await waitFor(coordinator, run, { timeoutMs: 10 })).state, 'timed_out')
  const signal = aSignal(run.id, 1, { takenBy: `${run.id}.00000.000000000`, at: now, wakeAt: now + 5, expiresAt: now + 60_000 })
  await coordinator.store.signals.insert([signal])
  await coordinator.wakeSignals.execute([signal.id])
  assert.equal((await coordinator.store.signals.get([signal.id]))[0]?.takenBy, null)
})

test('a task that is restarted from a step before the wait waits anew; the signal that was taken stays so', async (context) => {
  const { coordinator, run, send } = await aTask(context)
  await send(1)
  assert.equal((await waitFor(coordinator, run)).state, 'received')
  await coordinator.applyReports.execute([
    reportsFrom('i-1', { type: 'finished', runId: run.id, taskId: run.id, attempt: 1, outcome: 'succeeded' }),
  ])
  assert.equal(await send(2).catch(({ code }) => code), 'RUN_ENDED')
  await coordinator.changeRuns.retry('default', { runId: run.id, fromStep: NAME })
  await coordinator.applyReports.execute([reportsFrom('i-1', { type: 'started', runId: run.id, taskId: run.id, attempt: 2 })])
  assert.equal((await waitFor(coordinator, run, { attempt: 2 })).state, 'waiting')
  await send(3)
  assert.deepEqual((await waitFor(coordinator, run, { attempt: 2 })).result, 3)
})

test('what nothing takes expires with its time; of an open run it is kept for longer (33)', async (context) => {
  const { coordinator, run, send } = await aTask(context)
  const nobody = await coordinator.sendSignals.send({
    namespace: 'default',
    by: undefined,
    input: { runId: runId(9), name: NAME, ttlMs: 60_000 },
  })
  const open = await send(1)
  const idsThere = async () => (await coordinator.store.signals.get([nobody.signalId, open.signalId])).map((signal) => signal !== undefined)
  await coordinator.clock.advance(60_000)
  await coordinator.wakeSignals.execute([nobody.signalId, open.signalId])
  assert.deepEqual(await idsThere(), [false, true])
  await coordinator.clock.advance(TIMES.signalTtlMs)
  await coordinator.wakeSignals.execute([open.signalId])
  assert.deepEqual(await idsThere(), [false, true])
  await coordinator.changeRuns.cancel('default', run.id)
  await coordinator.applyReports.execute([
    reportsFrom('i-1', { type: 'finished', runId: run.id, taskId: run.id, attempt: 1, outcome: 'cancelled' }),
  ])
  await coordinator.clock.advance(2 * 86_400_000)
  await coordinator.wakeSignals.execute([open.signalId])
  assert.deepEqual(await idsThere(), [false, false])
})

test('as many wait to be taken as are kept: a further one is refused, of a run and without one', async (context) => {
  const { coordinator, run, send } = await aTask(context)
  const many = (count: number, of: string, more: object) => Array.from({ length: count }, (_, n) => aSignal(of, n, more))
  await coordinator.store.signals.insert(many(LIMITS.signalsPerRun, run.id, {}))
  await assert.rejects(send(1), { code: 'TOO_MANY_SIGNALS' })
  // A repetition of one that is there is no further one.
  await waitFor(coordinator, run)
  assert.equal((await send(1)).created, true)
  for (let n = 0; n < LIMITS.signalsUnclaimed; n += 1_000)
    await coordinator.store.signals.insert(many(1_000, runId(100 + n), { unclaimed: 1 }))
  const unclaimed = coordinator.sendSignals.send({ namespace: 'default', by: undefined, input: { runId: runId(9), name: NAME } })
  await assert.rejects(unclaimed, { code: 'TOO_MANY_SIGNALS' })
  const elsewhere = coordinator.sendSignals.send({ namespace: 'other', by: undefined, input: { runId: run.id, name: NAME } })
  await assert.rejects(elsewhere, { code: 'RUN_NOT_FOUND' })
})
