import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settle } from '@carillon/runtime/testing'
import type { RunRecord } from '@carillon/store'
import { aJob, aRun } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, type TestCoordinator } from '../testing/test-coordinator.ts'

const MINUTE_MS = 60_000
const BACKOFF = { afterFailures: 3, stepMs: 5 * MINUTE_MS }
const jobOf = async ({ store }: TestCoordinator) => (await store.jobs.get(['default/report']))[0]

let number = 0
/** Runs of the job that ended one after another, the last one now. */
async function ended({ clock, store }: TestCoordinator, ...states: RunRecord['state'][]) {
  const runs = states.map((state, i) => {
    const at = clock.now() - (states.length - 1 - i) * 1_000
    return aRun(++number, { job: 'report', state, createdAt: at - 100, startedAt: at - 50, endedAt: at, queuedAt: null, wakeAt: null })
  })
  await store.runs.insert(runs)
}

/** A run of the job that is called by hand ends. */
async function endsNow({ startRuns, applyReports }: TestCoordinator, outcome: 'succeeded' | 'failed') {
  const [started] = await startRuns.execute([
    { namespace: 'default', request: { job: 'report', attempts: 1 }, bytes: 10, trigger: 'call', traceparent: undefined },
  ])
  assert.ok(started && 'runId' in started)
  const { runId } = started
  await settle()
  const error = outcome === 'failed' ? { error: { name: 'Error', message: 'no' } } : {}
  await applyReports.execute([reportsFrom('i-1', { type: 'finished', runId, taskId: runId, attempt: 1, outcome, ...error })])
  await settle()
}

test('a job is paused when so many of its runs in a row have failed; cancelled and skipped ones do not count', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, changeJobs } = coordinator
  await store.jobs.insert(aJob('report', { pauseAfterFailures: 3, nextSlotAt: clock.now() + MINUTE_MS }))
  await ended(coordinator, 'succeeded', 'failed', 'cancelled', 'skipped', 'timed_out')
  await clock.advance(1_000)
  assert.equal((await jobOf(coordinator))?.state, 'active')
  await endsNow(coordinator, 'failed')
  const paused = await jobOf(coordinator)
  assert.deepEqual([paused?.state, paused?.note, paused?.nextSlotAt], ['paused', '3 runs in a row failed', null])
  await clock.advance(1_000)
  await changeJobs.resume('default', 'report')
  await endsNow(coordinator, 'failed')
  const resumed = await jobOf(coordinator)
  assert.deepEqual([resumed?.state, resumed?.note], ['active', null], 'an operator has seen what failed before')
})

test('what a coordinator that stopped did not do is done before the next slot', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fireSlots } = coordinator
  await store.jobs.insert(aJob('report', { pauseAfterFailures: 2, nextSlotAt: clock.now() }))
  await ended(coordinator, 'failed', 'failed')
  await fireSlots.execute(['default/report'])
  assert.equal((await jobOf(coordinator))?.state, 'paused')
  assert.equal((await store.runs.list({ namespace: 'default', states: ['queued'], limit: 5 })).items.length, 0)
})

test('from the fourth failure in a row on slots move out by five minutes for each; one success clears it', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fireSlots } = coordinator
  await store.jobs.insert(aJob('report', { failureBackoff: BACKOFF, nextSlotAt: clock.now() + 1_000 }))
  await ended(coordinator, 'failed', 'failed', 'failed')
  const first = (await jobOf(coordinator))?.nextSlotAt as number
  await endsNow(coordinator, 'failed')
  const failedAt = clock.now()
  const moved = await jobOf(coordinator)
  assert.equal(moved?.nextSlotAt, first, 'the slot is the same')
  assert.equal(moved?.wakeAt, failedAt + 5 * MINUTE_MS + 1_000)
  await clock.advance(5 * MINUTE_MS + 1_000)
  await fireSlots.execute(['default/report'])
  const { items } = await store.runs.list({ namespace: 'default', job: 'report', limit: 10 })
  const record = items.find(({ state }) => state === 'skipped')
  assert.deepEqual(
    [record?.reason, record?.slot, items.filter(({ slot, state }) => slot !== null && state === 'queued').length],
    ['failure-backoff', first, 1],
  )
  assert.match(record?.error?.message ?? '', /^5 slots from .*\(the last runs of the job failed\)$/)
  await endsNow(coordinator, 'failed')
  assert.ok(((await jobOf(coordinator))?.wakeAt ?? 0) >= clock.now() + 10 * MINUTE_MS)
  await clock.advance(1_000)
  await endsNow(coordinator, 'succeeded')
  const cleared = await jobOf(coordinator)
  assert.equal(cleared?.wakeAt, cleared?.nextSlotAt)
})

test('a fixed delay is made longer', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fireSlots } = coordinator
  await store.jobs.insert(
    aJob('report', { schedule: { afterMs: 1_000 }, failureBackoff: BACKOFF, nextSlotAt: null, wakeAt: clock.now(), awaits: 'gone' }),
  )
  await ended(coordinator, 'failed', 'failed', 'failed', 'failed', 'failed')
  await fireSlots.execute(['default/report'])
  assert.equal((await jobOf(coordinator))?.nextSlotAt, clock.now() + 10 * MINUTE_MS)
})

test('statistics are of the runs that are still kept', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, readJobs } = coordinator
  await store.jobs.insert(aJob('report'))
  const at = clock.now()
  const run = (n: number, fields: Partial<RunRecord>) =>
    aRun(1_000 + n, { job: 'report', state: 'succeeded', createdAt: at + n, wakeAt: null, queuedAt: null, ...fields })
  await store.runs.insert(Array.from({ length: 20 }, (_, n) => run(n, { startedAt: at + n, endedAt: at + n + (n + 1) * 10 })))
  await store.runs.insert([
    run(50, { state: 'failed', startedAt: at, endedAt: at + 5_000 }),
    run(51, { state: 'cancelled', endedAt: at + 6_000 }),
  ])
  const { stats } = await readJobs.get('default', 'report')
  assert.deepEqual(stats, { succeeded: 20, failed: 1, failuresInRow: 1, averageMs: 105, p95Ms: 190 })
})
