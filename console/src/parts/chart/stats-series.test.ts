import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatsPoint } from '@carillon/contracts'
import { en } from '../../language/en/messages.ts'
import { type ComparableStats, endedSeries, failuresOf, runTimeSeries } from './stats-series.ts'

const HOUR_MS = 3_600_000
const at = (hour: number) => new Date(Date.UTC(2026, 10, 28) + hour * HOUR_MS).toISOString()
const point = (hour: number, states: StatsPoint['states'], p95?: number) =>
  ({
    at: at(hour),
    ended: Object.values(states).reduce((sum, count) => sum + count, 0),
    states,
    runMs: { count: 1, p95 },
    lateMs: { count: 0 },
  }) as unknown as StatsPoint
const texts = en.overview.charts

test('failures are what is wrong, not what was cancelled', () => {
  assert.equal(failuresOf({ states: { failed: 2, timed_out: 1, expired: 1, cancelled: 9, succeeded: 7 } }), 4)
})

test('what ended stands on one another: what was skipped did not succeed', () => {
  const points = [point(0, { succeeded: 5, failed: 2, skipped: 3 }), point(1, { succeeded: 1 })]
  const series = endedSeries({ points, stepMs: HOUR_MS }, texts)
  assert.deepEqual(
    series.map(({ title, values, heights }) => [title, values, heights ?? values]),
    [
      [texts.others, [3, 0], [10, 1]],
      [texts.succeeded, [5, 1], [7, 1]],
      [texts.failed, [2, 0], [2, 0]],
    ],
  )
  assert.equal(endedSeries({ points: points.slice(1), stepMs: HOUR_MS }, texts).length, 2)
})

test('earlier hours are compared by rate where they are kept more coarsely; without a run then there is no line', () => {
  const compared = { offsetMs: 24 * HOUR_MS, stepMs: 2 * HOUR_MS, points: [point(-24, { succeeded: 8 }, 500)], totals: { ended: 8 } }
  const stats = { points: [point(0, {}), point(1, {}), point(25, {})], stepMs: HOUR_MS, compared } as unknown as ComparableStats
  assert.deepEqual(endedSeries(stats, texts).at(-1)?.values, [4, 4, 4])
  assert.deepEqual(runTimeSeries(stats, texts)[0]?.values, [500, 500, 500])
  const empty = { ...stats, compared: { ...compared, totals: { ended: 0 } } } as unknown as ComparableStats
  assert.equal(
    endedSeries(empty, texts).some(({ isEarlier }) => isEarlier),
    false,
  )
})
