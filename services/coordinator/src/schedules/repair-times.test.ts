import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { settle } from '@carillon/runtime/testing'
import { aJob, aRun, aTask } from '@carillon/store/testing'
import { createTestCoordinator, runOf } from '../testing/test-coordinator.ts'

const [SECOND_MS, MINUTE_MS, HOUR_MS] = [1_000, 60_000, 3_600_000]
const SHARES = Array.from({ length: 64 }, (_, share) => share)
const never = new AbortController().signal

async function afterHourBack(context: TestContext) {
  const coordinator = await createTestCoordinator(context)
  return { ...coordinator, now: coordinator.clock.now() }
}

test('a schedule that a wrong clock has moved an hour ahead goes on in its rhythm; what is right stays', async (context) => {
  const { store, repairTimes, clock, armed, now } = await afterHourBack(context)
  const jobs = [
    aJob('rate', { schedule: { everyMs: 5_000 }, nextSlotAt: now + HOUR_MS + 1_234 }),
    aJob('cron', { schedule: { cron: '*/5 * * * * *', timezone: 'UTC' }, nextSlotAt: now + HOUR_MS }),
    aJob('daily', { schedule: { cron: '0 0 * * *', timezone: 'UTC' }, nextSlotAt: now + 24 * HOUR_MS }),
    aJob('yearly', { schedule: { everyMs: 365 * 24 * HOUR_MS }, nextSlotAt: now + 365 * 24 * HOUR_MS }),
    aJob('once', { schedule: { at: new Date(now + HOUR_MS).toISOString() }, nextSlotAt: now + HOUR_MS }),
    aJob('paused', { state: 'paused', nextSlotAt: null }),
  ]
  for (const job of jobs) await store.jobs.insert(job)
  assert.equal(await repairTimes.execute(SHARES, never), 2)
  const ahead = (await store.jobs.get(jobs.map(({ id }) => id))).map((job) => job?.nextSlotAt && job.nextSlotAt - now)
  assert.deepEqual(ahead, [1_234, 5_000, 24 * HOUR_MS, 365 * 24 * HOUR_MS, HOUR_MS, null])
  assert.deepEqual(
    armed.map(({ wakeAt }) => wakeAt - clock.now()),
    [5_000, 1_234],
  )
  assert.equal(await repairTimes.execute(SHARES, never), 0)
})

test('delays that a wrong clock has stored are due at their duration; times that someone named stay', async (context) => {
  const { store, repairTimes, now } = await afterHourBack(context)
  const delayed = { state: 'delayed', queuedAt: null } as const
  const runs = [
    aRun(1, { ...delayed, reason: 'retry', delayMs: 10_000, wakeAt: now + HOUR_MS + 10_000 }),
    aRun(2, { ...delayed, reason: 'delay', delayMs: 10_000, wakeAt: now + 9_000 }),
    aRun(3, { ...delayed, reason: 'delay', delayMs: null, wakeAt: now + HOUR_MS }),
    aRun(4, { ...delayed, reason: 'delay', delayMs: 2 * HOUR_MS, wakeAt: now + 2 * HOUR_MS }),
  ]
  await store.runs.insert(runs)
  await store.tasks.insert([aTask('run-1', 0, { ...delayed, delayMs: 5_000, wakeAt: now + HOUR_MS + 5_000 })])
  await store.runs.insert([aRun(9, { id: 'run-1', mode: 'broadcast', state: 'running', queuedAt: null, wakeAt: now + 20_000 })])
  await repairTimes.execute(SHARES, never)
  const left = await Promise.all(runs.map(async ({ id }) => ((await runOf({ store }, id)).wakeAt ?? 0) - now))
  assert.deepEqual(left, [10_000, 9_000, HOUR_MS, 2 * HOUR_MS])
  const { items } = await store.tasks.list({ runId: 'run-1', limit: 1 })
  assert.equal(items[0]?.wakeAt, now + 5_000)
  assert.equal((await runOf({ store }, 'run-1')).wakeAt, now + 20_000)
})

test('a check that was put off by an hour is made now', async (context) => {
  const { store, repairTimes, wakeLives, clock, now } = await afterHourBack(context)
  const running = { state: 'running', owner: 'i-1', queuedAt: null, startedAt: now + HOUR_MS, wakeAt: now + HOUR_MS + 30_000 } as const
  await store.runs.insert([aRun(1, { ...running, timeoutMs: MINUTE_MS }), aRun(2, { ...running, wakeAt: now + 30_000 })])
  assert.equal(await repairTimes.execute(SHARES, never), 1)
  await settle()
  assert.equal((await runOf({ store }, aRun(1).id)).wakeAt, now)
  await clock.advance(SECOND_MS)
  await wakeLives.execute([aRun(1).id])
  const { state, wakeAt } = await runOf({ store }, aRun(1).id)
  assert.deepEqual([state, (wakeAt ?? 0) <= clock.now() + 30_000], ['running', true])
})

test('between the pages of many delays there is time for everyone else', async (context) => {
  const { store, repairTimes, clock, now } = await afterHourBack(context)
  const runs = Array.from({ length: 250 }, (_, n) =>
    aRun(n, { state: 'delayed', queuedAt: null, reason: 'delay', delayMs: 10_000, wakeAt: now + HOUR_MS + 10_000 + n * 5_000 }),
  )
  await store.runs.insert(runs)
  const repairTimesOf = async () =>
    (await store.runs.heads(runs.map(({ id }) => id))).filter((run) => (run?.wakeAt ?? 0) < now + MINUTE_MS).length
  const passed = repairTimes.execute(SHARES, never)
  const counts: number[] = []
  for (let i = 0; i < 3; i++) {
    await settle()
    counts.push(await repairTimesOf())
    await clock.advance(1)
  }
  assert.deepEqual(counts, [100, 200, 250])
  assert.equal(await passed, 250)
})
