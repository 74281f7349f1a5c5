import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Schedule } from '@carillon/contracts'
import { checkSchedule, NO_SLOT, timesOf } from './schedule.ts'

const NOW = Date.UTC(2026, 5, 1, 12)
const MINUTE_MS = 60_000
const everyMinute: Schedule = { everyMs: MINUTE_MS }

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
  assert.deepEqual(timesOf({ id: 'default/job-1', schedule }, null), NO_SLOT)
  for (const plain of [everyMinute, { everyMs: MINUTE_MS, jitterMs: 0 }, { at: new Date(NOW).toISOString() }, null])
    assert.deepEqual(timesOf({ id: 'default/job-1', schedule: plain }, NOW), { ...NO_SLOT, nextSlotAt: NOW, wakeAt: NOW })
})
