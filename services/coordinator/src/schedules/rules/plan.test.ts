import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Schedule } from '@carillon/contracts'
import { allMayRun, judgeOf } from './exclusions.ts'
import { planSlots, type SkippedSlots, type SlotPlan } from './plan.ts'
import { firstSlot, nextSlot } from './schedule.ts'
import { sequenceOf } from './sequence.ts'

const NOW = Date.UTC(2026, 5, 1, 12)
const [SECOND_MS, MINUTE_MS, YEAR_MS] = [1_000, 60_000, 365 * 86_400_000]
const everyMinute: Schedule = { everyMs: MINUTE_MS }
const MISFIRES = ['once', 'skip', 'all'] as const

interface Plan extends Omit<SlotPlan, 'skipped'> {
  readonly missed?: Omit<SkippedSlots, 'reason'>
}

/** The plan of a job without calendars: what it skips was missed. */
function plan(schedule: Schedule, slot: number, { now, misfire }: { now: number; misfire: 'once' | 'skip' | 'all' }): Plan {
  const { skipped, ...decided } = planSlots({ schedule, misfire, misfireAfterMs: MINUTE_MS, judge: allMayRun }, slot, now)
  assert.ok(skipped.length <= 1)
  if (skipped[0] === undefined) return decided
  const { reason, ...missed } = skipped[0]
  assert.equal(reason, 'misfire')
  return { ...decided, missed }
}

test('a slot that is on time, or up to 60 s late, is fired, whatever the job does about misfires', () => {
  for (const misfire of MISFIRES)
    for (const lateMs of [0, 1, 59_999, 60_000])
      assert.deepEqual(plan({ everyMs: 10 * MINUTE_MS }, NOW - lateMs, { now: NOW, misfire }), {
        fire: [NOW - lateMs],
        next: NOW - lateMs + 10 * MINUTE_MS,
      })
})

test('of one slot that is later, `once` and `all` make a run, `skip` a record', () => {
  const slot = NOW - 60_001
  const schedule = { everyMs: 10 * MINUTE_MS }
  const next = slot + 10 * MINUTE_MS
  assert.deepEqual(plan(schedule, slot, { now: NOW, misfire: 'once' }), { fire: [slot], next })
  assert.deepEqual(plan(schedule, slot, { now: NOW, misfire: 'all' }), { fire: [slot], next })
  assert.deepEqual(plan(schedule, slot, { now: NOW, misfire: 'skip' }), { fire: [], missed: { from: slot, to: slot, count: 1 }, next })
})

test('of several, `once` fires the last and records exactly those before it', () => {
  const slot = NOW - 5 * MINUTE_MS - 1
  const planned = plan(everyMinute, slot, { now: NOW, misfire: 'once' })
  assert.deepEqual(planned, {
    fire: [slot + 4 * MINUTE_MS, slot + 5 * MINUTE_MS],
    missed: { from: slot, to: slot + 3 * MINUTE_MS, count: 4 },
    next: slot + 6 * MINUTE_MS,
  })
})

test('`all` fires the oldest hundred and records the rest', () => {
  const slot = NOW - 150 * MINUTE_MS
  const { fire, missed, next } = plan(everyMinute, slot, { now: NOW, misfire: 'all' })
  assert.deepEqual(fire.slice(0, 2), [slot, slot + MINUTE_MS])
  assert.equal(fire.length, 100 + 2)
  assert.deepEqual(missed, { from: slot + 100 * MINUTE_MS, to: slot + 148 * MINUTE_MS, count: 49 })
  assert.equal(next, NOW + MINUTE_MS)
})

test('every slot is either fired or recorded, once', () => {
  for (const misfire of MISFIRES)
    for (const everyMs of [100, 1_000, 7_000, MINUTE_MS, 61_000])
      for (const downMs of [0, 59_000, 61_000, 200_000, 20_000_000]) {
        const slot = NOW - downMs
        const { fire, missed, next } = plan({ everyMs }, slot, { now: NOW, misfire })
        const planned = ((next as number) - slot) / everyMs
        assert.equal(fire.length + (missed?.count ?? 0), planned, `${misfire} ${everyMs} ${downMs}`)
        if (missed) assert.equal((missed.to - missed.from) / everyMs + 1, missed.count)
        assert.equal(new Set(fire).size, fire.length)
        assert.ok(fire.every((at) => at <= NOW && !(missed && at >= missed.from && at <= missed.to)))
      }
})

test('a year of downtime is planned at once, with exact numbers for a fixed rate', () => {
  const begin = process.cpuUsage()
  const slot = NOW - YEAR_MS
  const rate = plan({ everyMs: 100 }, slot, { now: NOW, misfire: 'once' })
  const late = (YEAR_MS - 60_000) / 100
  assert.deepEqual(rate.missed, { from: slot, to: NOW - 60_000 - 200, count: late - 1 })
  assert.equal(rate.fire[0], NOW - 60_000 - 100)
  assert.ok(rate.fire.length <= 160)
  for (const misfire of MISFIRES)
    for (const [cron, timezone] of [
      ['* * * * * *', 'UTC'],
      ['* * * * * *', 'Europe/Paris'],
      ['* * 9-17 * * *', 'Europe/Paris'],
    ] as const) {
      const { fire, missed, next } = plan({ cron, timezone }, slot, { now: NOW, misfire })
      assert.ok(fire.length <= 160)
      assert.equal(missed?.atLeast, true)
      assert.ok(next !== null && next <= NOW + SECOND_MS)
      const oldest = NOW - 60_000
      assert.ok((missed?.to ?? 0) >= oldest - 2 * SECOND_MS && (missed?.to ?? 0) < oldest)
      if (misfire === 'once') assert.equal(fire[0], oldest - SECOND_MS)
    }
  // Of this process alone, whatever else the machine does: to go through a year second by second takes minutes.
  const { user } = process.cpuUsage(begin)
  assert.ok(user < 5_000_000, `${user / 1_000} ms`)
})

test('what one plan does not fire, the next one does, until none is left', () => {
  let [slot, fired, plans] = [NOW - 55_000, 0, 0]
  while (slot <= NOW) {
    const { fire, missed, next } = plan({ everyMs: 100 }, slot, { now: NOW, misfire: 'skip' })
    assert.equal(missed, undefined)
    fired += fire.length
    plans++
    slot = next as number
  }
  assert.equal(fired, 551)
  assert.equal(plans, 4)
})

test('a thousand and one late slots of a cron expression are spanned exactly', () => {
  const oldest = NOW - 60_000
  for (const count of [999, 1_000, 1_001, 1_002]) {
    const slot = oldest - count * SECOND_MS
    const { fire, missed } = plan({ cron: '* * * * * *', timezone: 'UTC' }, slot, { now: NOW, misfire: 'once' })
    assert.deepEqual([missed?.from, missed?.to, fire[0]], [slot, oldest - 2 * SECOND_MS, oldest - SECOND_MS])
    assert.equal(missed?.atLeast, count > 1_000 ? true : undefined)
  }
})

test('an instant fires once and has no next', () => {
  const at = new Date(NOW).toISOString()
  assert.equal(firstSlot({ at }, NOW - 5), NOW)
  assert.equal(nextSlot({ at }, NOW), null)
  assert.deepEqual(plan({ at }, NOW, { now: NOW + 3, misfire: 'once' }), { fire: [NOW], next: null })
  assert.deepEqual(plan({ at }, NOW, { now: NOW + YEAR_MS, misfire: 'once' }), { fire: [NOW], next: null })
  const missed = { from: NOW, to: NOW, count: 1 }
  assert.deepEqual(plan({ at }, NOW, { now: NOW + YEAR_MS, misfire: 'skip' }), { fire: [], missed, next: null })
})

test('slots of a fixed rate never drift, however late they are fired', () => {
  let slot = firstSlot({ everyMs: 250 }, NOW) as number
  for (let i = 0; i < 100; i++) {
    const { fire, next } = plan({ everyMs: 250 }, slot, { now: slot + (i % 200), misfire: 'once' })
    assert.deepEqual(fire, [slot])
    slot = next as number
  }
  assert.equal((slot - NOW) % 250, 0)
})

/** A generator of numbers below 1 that is the same in every run. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

test('whatever calendars, back-off and misfire say, every slot that has come is decided once: it runs, or is skipped for one reason', () => {
  const random = randomFrom(7)
  const upTo = (limit: number) => Math.floor(random() * limit)
  const pick = <Value>(values: readonly Value[]) => values[upTo(values.length)] as Value
  const dayAt = (n: number) => new Date(NOW + n * DAY_MS).toISOString().slice(0, 10)
  for (let i = 0; i < 300; i++) {
    const schedule: Schedule = {
      ...pick([
        {
          cron: pick(['0 * * * *', '*/20 9-17 * * *', '30 2 * * *', '0 0 * * MON-FRI']),
          timezone: pick(['UTC', 'Europe/Paris', 'Pacific/Apia']),
        },
        { everyMs: pick([HOUR_MS, 7 * HOUR_MS]), anchor: pick(['00:00', '09:30', '2026-01-01T00:00:00Z']), timezone: 'Europe/Paris' },
      ]),
      ...pick([{}, { startAt: dayAt(1) }, { endAt: dayAt(3) }]),
      ...pick([{}, { calendars: [{ rule: pick(['skip', 'only']), calendar: 'c' }] }]),
    }
    const calendars = new Map([['c', new Set(Array.from({ length: 3 }, () => dayAt(upTo(6))))]])
    const misfire = pick(MISFIRES)
    const backoffUntil = pick([null, NOW + upTo(5 * DAY_MS)])
    const judge = judgeOf(schedule, { calendars, backoffUntil })
    const sequence = sequenceOf(schedule, NOW)
    const end = NOW + 5 * DAY_MS
    const all: number[] = []
    for (let at = sequence(NOW); at !== null && at <= end; at = sequence(at)) all.push(at)
    const runs: number[] = []
    const skipped = { misfire: 0, calendar: 0, 'failure-backoff': 0 }
    let slot = sequence(NOW)
    // A coordinator that comes by now and then, the last time when all slots have come.
    for (let now = NOW; slot !== null && slot <= end; now = Math.min(end, now + upTo(40 * HOUR_MS))) {
      for (let before = -1; slot !== null && slot <= now && slot !== before; ) {
        before = slot
        const plan: SlotPlan = planSlots({ schedule, misfire, misfireAfterMs: MINUTE_MS, judge }, slot, now)
        runs.push(...plan.fire)
        for (const { reason, from, to, count, atLeast } of plan.skipped) {
          assert.ok(atLeast === undefined && from <= to && to <= now && count >= 1)
          skipped[reason] += count
        }
        slot = plan.next
        assert.ok(slot === null || slot > before, 'it goes on')
      }
    }
    const excluded = all.filter((at) => judge(at).reason !== undefined)
    const label = `${i} ${JSON.stringify({ schedule, misfire, backoffUntil })}`
    assert.ok(
      runs.every((at, n) => all.includes(at) && judge(at).reason === undefined && at > (runs[n - 1] ?? 0)),
      label,
    )
    assert.equal(skipped.calendar + skipped['failure-backoff'], excluded.length, label)
    assert.equal(skipped['failure-backoff'], all.filter((at) => judge(at).reason === 'failure-backoff').length, label)
    assert.equal(runs.length + skipped.misfire + excluded.length, all.length, label)
    if (misfire === 'all') assert.equal(skipped.misfire, 0, label)
  }
})

test('a calendar that excludes a day leaves one record of it, however many slots it has', () => {
  const schedule: Schedule = { cron: '* * * * * *', timezone: 'UTC', calendars: [{ rule: 'skip', calendar: 'c' }] }
  const judge = judgeOf(schedule, { calendars: new Map([['c', new Set(['2026-06-02'])]]), backoffUntil: null })
  const midnight = Date.UTC(2026, 5, 2)
  const { fire, skipped, next } = planSlots({ schedule, misfire: 'once', misfireAfterMs: MINUTE_MS, judge }, midnight, midnight + DAY_MS)
  assert.deepEqual(fire, [midnight + DAY_MS])
  assert.deepEqual(skipped, [{ reason: 'calendar', from: midnight, to: midnight + DAY_MS - SECOND_MS, count: 1_000, atLeast: true }])
  assert.equal(next, midnight + DAY_MS + SECOND_MS)
})
