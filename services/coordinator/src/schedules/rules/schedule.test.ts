import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Schedule } from '@carillon/contracts'
import { checkSchedule, firstSlot, nextSlot, planSlots, timesOf } from './schedule.ts'

const NOW = Date.UTC(2026, 5, 1, 12)
const [SECOND_MS, MINUTE_MS, YEAR_MS] = [1_000, 60_000, 365 * 86_400_000]
const everyMinute: Schedule = { everyMs: MINUTE_MS }
const MISFIRES = ['once', 'skip', 'all'] as const

test('a slot that is on time, or up to 60 s late, is fired, whatever the job does about misfires', () => {
  for (const misfire of MISFIRES)
    for (const lateMs of [0, 1, 59_999, 60_000])
      assert.deepEqual(planSlots({ everyMs: 10 * MINUTE_MS }, NOW - lateMs, { now: NOW, misfire }), {
        fire: [NOW - lateMs],
        next: NOW - lateMs + 10 * MINUTE_MS,
      })
})

test('of one slot that is later, `once` and `all` make a run, `skip` a record', () => {
  const slot = NOW - 60_001
  const schedule = { everyMs: 10 * MINUTE_MS }
  const next = slot + 10 * MINUTE_MS
  assert.deepEqual(planSlots(schedule, slot, { now: NOW, misfire: 'once' }), { fire: [slot], next })
  assert.deepEqual(planSlots(schedule, slot, { now: NOW, misfire: 'all' }), { fire: [slot], next })
  assert.deepEqual(planSlots(schedule, slot, { now: NOW, misfire: 'skip' }), { fire: [], missed: { from: slot, to: slot, count: 1 }, next })
})

test('of several, `once` fires the last and records exactly those before it', () => {
  const slot = NOW - 5 * MINUTE_MS - 1
  const plan = planSlots(everyMinute, slot, { now: NOW, misfire: 'once' })
  assert.deepEqual(plan, {
    fire: [slot + 4 * MINUTE_MS, slot + 5 * MINUTE_MS],
    missed: { from: slot, to: slot + 3 * MINUTE_MS, count: 4 },
    next: slot + 6 * MINUTE_MS,
  })
})

test('`all` fires the oldest hundred and records the rest', () => {
  const slot = NOW - 150 * MINUTE_MS
  const { fire, missed, next } = planSlots(everyMinute, slot, { now: NOW, misfire: 'all' })
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
        const { fire, missed, next } = planSlots({ everyMs }, slot, { now: NOW, misfire })
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
  const rate = planSlots({ everyMs: 100 }, slot, { now: NOW, misfire: 'once' })
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
      const { fire, missed, next } = planSlots({ cron, timezone }, slot, { now: NOW, misfire })
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
    const { fire, missed, next } = planSlots({ everyMs: 100 }, slot, { now: NOW, misfire: 'skip' })
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
    const { fire, missed } = planSlots({ cron: '* * * * * *', timezone: 'UTC' }, slot, { now: NOW, misfire: 'once' })
    assert.deepEqual([missed?.from, missed?.to, fire[0]], [slot, oldest - 2 * SECOND_MS, oldest - SECOND_MS])
    assert.equal(missed?.atLeast, count > 1_000 ? true : undefined)
  }
})

test('an instant fires once and has no next', () => {
  const at = new Date(NOW).toISOString()
  assert.equal(firstSlot({ at }, NOW - 5), NOW)
  assert.equal(nextSlot({ at }, NOW), null)
  assert.deepEqual(planSlots({ at }, NOW, { now: NOW + 3, misfire: 'once' }), { fire: [NOW], next: null })
  assert.deepEqual(planSlots({ at }, NOW, { now: NOW + YEAR_MS, misfire: 'once' }), { fire: [NOW], next: null })
  const missed = { from: NOW, to: NOW, count: 1 }
  assert.deepEqual(planSlots({ at }, NOW, { now: NOW + YEAR_MS, misfire: 'skip' }), { fire: [], missed, next: null })
})

test('slots of a fixed rate never drift, however late they are fired', () => {
  let slot = firstSlot({ everyMs: 250 }, NOW) as number
  for (let i = 0; i < 100; i++) {
    const { fire, next } = planSlots({ everyMs: 250 }, slot, { now: slot + (i % 200), misfire: 'once' })
    assert.deepEqual(fire, [slot])
    slot = next as number
  }
  assert.equal((slot - NOW) % 250, 0)
})

test('schedules are checked before they are kept', () => {
  checkSchedule({ everyMs: 100 }, NOW)
  checkSchedule({ cron: '* * * * *', timezone: 'Europe/Paris' }, NOW)
  checkSchedule({ at: new Date(NOW - 60_000).toISOString() }, NOW)
  assert.throws(() => checkSchedule({ at: new Date(NOW - 60_001).toISOString() }, NOW), { code: 'INVALID_DATE' })
  assert.throws(() => checkSchedule({ cron: '*/61 * * * *', timezone: 'UTC' }, NOW), { code: 'INVALID_CRON' })
  assert.throws(() => checkSchedule({ cron: '* * * * *', timezone: 'Mars/Base' }, NOW), { code: 'INVALID_TIME_ZONE' })
  assert.throws(() => checkSchedule({ cron: '0 0 31 4 *', timezone: 'UTC' }, NOW), { code: 'CRON_NEVER_FIRES' })
  assert.throws(() => checkSchedule({ at: '2040-01-01T00:00:00Z' }, NOW), { code: 'INVALID_DATE' })
})

test('jitter moves the moment and not the slot: the same for one job and slot, spread evenly over jobs', () => {
  const schedule: Schedule = { everyMs: MINUTE_MS, jitterMs: 10_000 }
  const delayOf = (id: string, slot = NOW) => (timesOf({ id, schedule }, slot).wakeAt as number) - slot
  const delays = Array.from({ length: 1_000 }, (_, i) => delayOf(`default/job-${i}`))
  assert.ok(delays.every((delay) => Number.isInteger(delay) && delay >= 0 && delay <= 10_000))
  for (const [from, to] of [
    [0, 2_500],
    [2_500, 5_000],
    [5_000, 7_500],
    [7_500, 10_001],
  ] as const) {
    const count = delays.filter((delay) => delay >= from && delay < to).length
    assert.ok(count > 200 && count < 300, `${count} of 1,000 between ${from} and ${to}`)
  }
  assert.equal(delayOf('default/job-1'), delayOf('default/job-1'))
  assert.notEqual(delayOf('default/job-1'), delayOf('default/job-1', NOW + MINUTE_MS))
  assert.deepEqual(timesOf({ id: 'default/job-1', schedule }, null), { nextSlotAt: null, wakeAt: null })
  for (const plain of [everyMinute, { everyMs: MINUTE_MS, jitterMs: 0 }, { at: new Date(NOW).toISOString() }, null])
    assert.deepEqual(timesOf({ id: 'default/job-1', schedule: plain }, NOW), { nextSlotAt: NOW, wakeAt: NOW })
})
