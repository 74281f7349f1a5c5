import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type BulkRuns, CALLS, CarillonError, parseInput, type RunsBulk } from '@carillon/contracts'
import { FakeClock } from '@carillon/runtime/testing'
import type { RunRecord } from '@carillon/store'
import { aRun, runId, START_AT } from '@carillon/store/testing'
import { spoil } from '../testing/spoiled-store.ts'
import { createTestCoordinator, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

const bulk = ({ bulkRuns }: TestCoordinator, input: unknown) =>
  bulkRuns.execute('default', parseInput(CALLS.runsBulk.input, input) as BulkRuns)
/** Its clock is later than the runs. */
const laterCoordinator = (context: TestContext) => createTestCoordinator(context, { clock: new FakeClock(START_AT + 1_000_000) })
const insert = ({ store }: TestCoordinator, runs: readonly RunRecord[]) => store.runs.insert(runs)
const failed = { state: 'failed', queuedAt: null, endedAt: START_AT, reason: 'handler-error' } as const
const ALL = { state: ['queued', 'failed', 'succeeded', 'cancelling'] }

/** Each time that it asks the clock, so many ms have passed. */
function slowDown({ clock }: TestCoordinator, ms: number): void {
  let now = clock.monotonic()
  clock.monotonic = () => {
    now += ms
    return now
  }
}

/** Sends the same request until it is complete. */
async function toTheEnd(coordinator: TestCoordinator, input: object): Promise<RunsBulk[]> {
  const parts = [await bulk(coordinator, input)]
  for (let next = parts[0]?.next; next !== undefined; next = parts.at(-1)?.next)
    parts.push(await bulk(coordinator, { ...input, cursor: next }))
  return parts
}

test('a dry run counts what matches, what the action suits, and why others are left as they are', async (context) => {
  const coordinator = await laterCoordinator(context)
  await insert(coordinator, [
    aRun(1),
    aRun(2),
    aRun(3, failed),
    aRun(4, { ...failed, parentTask: `${runId(9)}-n000g1` }),
    aRun(5, { state: 'succeeded', queuedAt: null, endedAt: START_AT }),
    aRun(6, { ...failed, namespace: 'other' }),
  ])
  const { asOf, ...cancel } = await bulk(coordinator, { action: 'cancel', filter: ALL, dryRun: true })
  assert.equal(asOf, new Date(coordinator.clock.now()).toISOString())
  assert.deepEqual(cancel, {
    matched: 5,
    eligible: 2,
    done: 0,
    skipped: [{ code: 'RUN_ENDED', message: 'it has ended', count: 3, examples: [5, 4, 3].map(runId) }],
  })
  const retry = await bulk(coordinator, { action: 'retry', filter: ALL, dryRun: true })
  assert.deepEqual([retry.matched, retry.eligible, retry.done], [5, 1, 0])
  assert.deepEqual(retry.skipped.map(({ code, count }) => [code, count]).sort(), [
    ['CHILD_RUN', 1],
    ['NOTHING_FAILED', 1],
    ['RUN_OPEN', 2],
  ])
  assert.equal((await runOf(coordinator, runId(1))).state, 'queued')
})

test('runs that a filter accepts are cancelled, retried, paused and resumed as by their own calls', async (context) => {
  const coordinator = await laterCoordinator(context)
  const later = { state: 'delayed', queuedAt: null, reason: 'delay', wakeAt: START_AT + 9_000_000 } as const
  await insert(coordinator, [aRun(1, later), aRun(2, later), aRun(3, failed), aRun(4, { ...failed, namespace: 'other' })])
  const states = async () => Promise.all([1, 2, 3, 4].map(async (n) => (await runOf(coordinator, runId(n))).state))
  assert.equal((await bulk(coordinator, { action: 'pause', filter: { state: 'delayed' } })).done, 2)
  assert.deepEqual(await states(), ['paused', 'paused', 'failed', 'failed'])
  assert.equal((await bulk(coordinator, { action: 'resume', filter: { state: 'paused' } })).done, 2)
  assert.equal((await bulk(coordinator, { action: 'cancel', filter: { state: 'delayed' } })).done, 2)
  assert.deepEqual(await states(), ['cancelled', 'cancelled', 'failed', 'failed'])
  assert.equal((await bulk(coordinator, { action: 'retry', filter: { state: ['failed'] } })).done, 1)
  assert.equal((await bulk(coordinator, { action: 'retry-failed', ids: [runId(1), runId(2)] })).done, 2)
  assert.deepEqual(await states(), ['queued', 'queued', 'queued', 'failed'])
})

test('runs may be named, at most 1,000; one of another namespace is not found, one that is named twice is one', async (context) => {
  const coordinator = await laterCoordinator(context)
  await insert(coordinator, [...Array.from({ length: 450 }, (_, n) => aRun(n)), aRun(999, { namespace: 'other' })])
  const ids = [...Array.from({ length: 450 }, (_, n) => runId(n)), runId(999), runId(0), 'run0000000nothere']
  const parts = await toTheEnd(coordinator, { action: 'cancel', ids })
  assert.equal(
    parts.reduce((sum, { done }) => sum + done, 0),
    450,
  )
  const skipped = parts.flatMap((part) => part.skipped.map(({ code, count }) => [code, count]))
  assert.deepEqual(skipped, [['RUN_NOT_FOUND', 2]].concat(skipped.length > 1 ? [['RUN_ENDED', 1]] : []))
  assert.equal((await runOf(coordinator, runId(999))).state, 'queued')
  await assert.rejects(async () => bulk(coordinator, { action: 'cancel', ids: Array(1_001).fill(runId(1)) }), { code: 'INVALID_REQUEST' })
})

test('a long request goes on where it was, and misses what came later; the same part again does nothing twice', async (context) => {
  const coordinator = await laterCoordinator(context)
  await insert(
    coordinator,
    Array.from({ length: 1_000 }, (_, n) => aRun(n, { ...failed, createdAt: START_AT })),
  )
  slowDown(coordinator, 1_500)
  const request = { action: 'retry', filter: { state: 'failed' } }
  const first = await bulk(coordinator, request)
  assert.ok(first.next !== undefined && first.done < 1_000, String(first.done))
  const again = { ...request, asOf: first.asOf }
  // A run that was retried, and has failed once more.
  await coordinator.store.runs.update([
    { id: runId(999), expect: { state: ['queued'] }, set: { ...failed, endedAt: Date.parse(first.asOf) + 5 } },
  ])
  const repeated = await bulk(coordinator, again)
  assert.deepEqual(
    repeated.skipped.map(({ code, count }) => [code, count]),
    [['CHANGED_SINCE', 1]],
  )
  const newcomer = aRun(5_000, { ...failed, createdAt: Date.parse(first.asOf) + 1_000, endedAt: Date.parse(first.asOf) + 1_000 })
  await insert(coordinator, [newcomer])
  const parts = await toTheEnd(coordinator, { ...again, cursor: first.next })
  assert.ok(parts.length > 1)
  const attempts = (await coordinator.store.runs.heads(Array.from({ length: 1_000 }, (_, n) => runId(n)))).map((run) => run?.attempt)
  assert.deepEqual(new Set(attempts), new Set([2]), 'each was retried once')
  assert.equal((await runOf(coordinator, newcomer.id)).state, 'failed')
})

test('a cursor of another action or filter is refused, and a request without a filter', async (context) => {
  const coordinator = await laterCoordinator(context)
  await insert(
    coordinator,
    Array.from({ length: 300 }, (_, n) => aRun(n)),
  )
  slowDown(coordinator, 3_000)
  const { next } = await bulk(coordinator, { action: 'pause', filter: { state: 'queued' }, dryRun: true })
  assert.ok(next)
  const refused = (input: object) => assert.rejects(async () => bulk(coordinator, input), { code: 'INVALID_REQUEST' })
  await refused({ action: 'cancel', filter: { state: 'queued' }, cursor: next })
  await refused({ action: 'pause', filter: { state: 'failed' }, cursor: next })
  await refused({ action: 'pause', filter: { state: 'queued' }, cursor: `${next.slice(0, 9)}x.y` })
  await refused({ action: 'pause', filter: {} })
  await refused({ action: 'pause' })
  await refused({ action: 'pause', filter: { state: 'queued' }, ids: [runId(1)] })
  await refused({ action: 'delete', filter: { state: 'queued' } })
  await refused({ action: 'pause', filter: { state: 'queued', cursor: 'x' } })
})

test('a store that is away ends a part, and the same cursor does the rest', async (context) => {
  const coordinator = await laterCoordinator(context)
  await insert(
    coordinator,
    Array.from({ length: 40 }, (_, n) => aRun(n)),
  )
  const request = { action: 'cancel', filter: { state: 'queued' } }
  const heal = spoil(coordinator.store.runs, {
    method: 'update',
    isBad: ({ id }: { id: string }) => id === runId(10),
    code: 'STORE_UNAVAILABLE',
  })
  const first = await bulk(coordinator, request).catch((error: unknown) => CarillonError.from(error))
  heal()
  if (!CarillonError.is(first)) assert.ok(first.next !== undefined || first.done < 40)
  const parts = await toTheEnd(coordinator, request)
  assert.ok(parts.length >= 1)
  const states = await Promise.all(Array.from({ length: 40 }, async (_, n) => (await runOf(coordinator, runId(n))).state))
  assert.deepEqual(new Set(states), new Set(['cancelled']))
})
