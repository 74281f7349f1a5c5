import assert from 'node:assert/strict'
import { test } from 'node:test'
import { intervalsOf } from './intervals.ts'

const now = Date.parse('2026-11-28T05:13:52.987Z')
const iso = (ms: number | undefined) => new Date(ms ?? Number.NaN).toISOString()

test('an hour, a day and a week end with the interval that is not over', () => {
  const ends = (['1h', '24h', '7d'] as const).map((range) => {
    const { starts, level } = intervalsOf(range, { zone: 'UTC', now })
    return [level, starts.length, iso(starts[0]), iso(starts.at(-1))]
  })
  assert.deepEqual(ends, [
    ['minute', 60, '2026-11-28T04:14:00.000Z', '2026-11-28T05:13:00.000Z'],
    ['minute', 96, '2026-11-27T05:15:00.000Z', '2026-11-28T05:00:00.000Z'],
    ['hour', 168, '2026-11-21T06:00:00.000Z', '2026-11-28T05:00:00.000Z'],
  ])
})

test('a month has the days of its zone, also where the clocks were changed', () => {
  const { starts, level, ranked } = intervalsOf('30d', { zone: 'America/New_York', now })
  assert.deepEqual(
    [level, starts.length, iso(starts.at(-1)), iso(starts[0])],
    ['hour', 30, '2026-11-28T05:00:00.000Z', '2026-10-30T04:00:00.000Z'],
  )
  // The second of November had 25 hours.
  assert.deepEqual(
    starts.flatMap((start, i) => (i > 0 && start - (starts[i - 1] ?? 0) !== 86_400_000 ? [iso(start)] : [])),
    ['2026-11-02T05:00:00.000Z'],
  )
  assert.deepEqual([ranked.level, iso(ranked.from)], ['day', '2026-10-30T00:00:00.000Z'])
  assert.equal(intervalsOf('30d', { zone: 'UTC', now }).level, 'day')
  const half = intervalsOf('30d', { zone: 'Asia/Kolkata', now })
  assert.equal(
    iso(half.starts.at(-1)),
    '2026-11-27T18:00:00.000Z',
    'its midnight is at 18:30 in UTC: hours are the finest that a month is counted in',
  )
})
