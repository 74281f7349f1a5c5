import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Schedule } from '@carillon/contracts'
import { sequenceOf } from './sequence.ts'

const NOW = Date.parse('2026-06-01T12:00:00Z')
const HOUR_MS = 3_600_000

/** The first slots after a time, as text without seconds. */
function slots(schedule: Schedule, from: number | string, count = 3): (string | null)[] {
  const start = typeof from === 'string' ? Date.parse(from) : from
  const sequence = sequenceOf(schedule, start)
  const found: (string | null)[] = []
  for (let at: number | null = start; found.length < count && at !== null; ) {
    at = sequence(at)
    found.push(at === null ? null : new Date(at).toISOString().replace(/:00\.000Z$/, 'Z'))
  }
  return found
}

test('a fixed rate counts from its anchor, from its start, or from what it is given', () => {
  assert.deepEqual(slots({ everyMs: 2 * HOUR_MS }, NOW), ['2026-06-01T14:00Z', '2026-06-01T16:00Z', '2026-06-01T18:00Z'])
  for (const anchor of ['2020-01-01T09:15:00Z', '2030-01-01T09:15:00Z'])
    assert.deepEqual(slots({ everyMs: 2 * HOUR_MS, anchor }, NOW), ['2026-06-01T13:15Z', '2026-06-01T15:15Z', '2026-06-01T17:15Z'])
  assert.deepEqual(slots({ everyMs: 2 * HOUR_MS, startAt: '2026-07-01T00:30:00Z' }, NOW, 2), ['2026-07-01T00:30Z', '2026-07-01T02:30Z'])
})

test('from a time of day on the count begins anew each day, however short the last step is', () => {
  const paris = { everyMs: 7 * HOUR_MS, anchor: '09:00', timezone: 'Europe/Paris' }
  assert.deepEqual(slots(paris, NOW, 5), [
    '2026-06-01T14:00Z',
    '2026-06-01T21:00Z',
    '2026-06-02T04:00Z',
    '2026-06-02T07:00Z',
    '2026-06-02T14:00Z',
  ])
  // The clock is set back in the night: the day has 25 hours, and 09:00 is 09:00.
  assert.deepEqual(slots({ ...paris, everyMs: 12 * HOUR_MS }, '2026-10-24T12:00:00Z', 4), [
    '2026-10-24T19:00Z',
    '2026-10-25T07:00Z',
    '2026-10-25T08:00Z',
    '2026-10-25T20:00Z',
  ])
  // In the gap of a changed clock there is no 02:30.
  const gap = { everyMs: 24 * HOUR_MS, anchor: '02:30', timezone: 'Europe/Paris' }
  assert.deepEqual(slots(gap, '2027-03-27T12:00:00Z', 2), ['2027-03-28T01:00Z', '2027-03-29T00:30Z'])
})

test('instants of a list come in order, each once, and then none', () => {
  const at = ['2027-01-02T00:00:00Z', '2027-01-01T00:00:00Z', '2027-01-01T01:00:00+01:00']
  assert.deepEqual(slots({ at }, NOW, 4), ['2027-01-01T00:00Z', '2027-01-02T00:00Z', null])
})

test('no slot lies before the start or after the end; a day is one in the zone of the schedule', () => {
  const daily = { cron: '0 0 * * *', timezone: 'Europe/Paris', startAt: '2026-07-01', endAt: '2026-07-02' }
  assert.deepEqual(slots(daily, NOW, 4), ['2026-06-30T22:00Z', '2026-07-01T22:00Z', null])
  const hourly = { everyMs: HOUR_MS, anchor: '2026-01-01T00:00:00Z', startAt: '2026-06-01T13:30:00Z', endAt: '2026-06-01T15:00:00Z' }
  assert.deepEqual(slots(hourly, NOW, 4), ['2026-06-01T14:00Z', '2026-06-01T15:00Z', null])
})
