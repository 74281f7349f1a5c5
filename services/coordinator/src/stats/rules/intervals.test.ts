import assert from 'node:assert/strict'
import { test } from 'node:test'
import { comparedIntervals, intervalsOf } from './intervals.ts'

const now = Date.parse('2026-11-28T05:13:52.987Z')
const iso = (ms: number | undefined) => new Date(ms ?? Number.NaN).toISOString()

test('an hour, a day and a week end with the interval that is not over', () => {
  const ends = (['1h', '24h', '7d'] as const).map((range) => {
    const { starts, level } = intervalsOf(range, { zone: 'UTC', now })
    return [level, starts.length, iso(starts[0]), iso(starts.at(-1))]
  })
  assert.deepEqual(ends, [
    ['minute', 60, '2026-11-28T04:14:00.000Z', '2026-11-28T05:13:00.000Z'],
    ['quarter', 96, '2026-11-27T05:15:00.000Z', '2026-11-28T05:00:00.000Z'],
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

test('the same hours earlier: by the finest level that is kept, at the same time of day', () => {
  const of = (range: '1h' | '24h' | '7d' | '30d', compare: '1d' | '7d' | '28d', zone = 'UTC') => {
    const { level, starts, stepMs, offsetMs, before } = comparedIntervals(range, { zone, now, compare })
    return [level, starts.length, stepMs / 60_000, offsetMs / 3_600_000, iso(starts[0]), iso(before)]
  }
  assert.deepEqual(of('1h', '7d'), ['quarter', 5, 15, 168, '2026-11-21T04:00:00.000Z', '2026-11-21T05:15:00.000Z'])
  assert.deepEqual(of('1h', '28d'), ['hour', 2, 60, 672, '2026-10-31T04:00:00.000Z', '2026-10-31T06:00:00.000Z'])
  assert.deepEqual(of('24h', '1d'), ['quarter', 96, 15, 24, '2026-11-26T05:15:00.000Z', '2026-11-27T05:15:00.000Z'])
  assert.deepEqual(of('24h', '7d'), ['quarter', 96, 15, 168, '2026-11-20T05:15:00.000Z', '2026-11-21T05:15:00.000Z'])
  assert.deepEqual(of('7d', '7d'), ['hour', 168, 60, 168, '2026-11-14T06:00:00.000Z', '2026-11-21T06:00:00.000Z'])
  assert.deepEqual(of('7d', '28d'), ['hour', 168, 60, 672, '2026-10-24T06:00:00.000Z', '2026-10-31T06:00:00.000Z'])
  assert.deepEqual(of('30d', '28d'), ['day', 30, 1_440, 672, '2026-10-02T00:00:00.000Z', '2026-11-01T00:00:00.000Z'])
  assert.deepEqual(of('30d', '1d', 'Asia/Shanghai').slice(0, 3), ['hour', 30, 1_440])
  assert.deepEqual(of('30d', '28d', 'Asia/Shanghai').slice(0, 3), ['day', 30, 1_440], 'hours are not kept for so long: days in UTC')
  assert.equal(of('24h', '28d', 'America/New_York')[3], 673, 'the clocks were changed in between')
})
