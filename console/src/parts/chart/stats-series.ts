import type { StatsCompared, StatsCounts, StatsPoint } from '@carillon/contracts'
import type { Messages } from '../../language/en/messages.ts'
import type { ChartSeries } from './chart-data.ts'

/** Failures of the states that mean that something is wrong: a cancelled run is none. */
const BAD = ['failed', 'timed_out', 'expired'] as const
export const failuresOf = ({ states }: Pick<StatsPoint, 'states'>): number => BAD.reduce((sum, state) => sum + (states[state] ?? 0), 0)

export const timesOf = (points: readonly StatsPoint[]): readonly number[] => points.map(({ at }) => Date.parse(at) / 1_000)

export type SeriesTexts = Messages['overview']['charts']

/** A statistic, and the same hours of an earlier time where they are compared. */
export interface ComparableStats {
  readonly points: readonly StatsPoint[]
  readonly stepMs: number
  readonly compared?: StatsCompared
}

type Pick1 = (counts: StatsCounts) => number | null | undefined

/** What was measured so long before each point. @param isCount a point of another length has another share of it */
function earlierValues({ points, stepMs, compared }: ComparableStats, value: Pick1, isCount: boolean): (number | null)[] | undefined {
  if (compared === undefined || compared.totals.ended === 0) return undefined
  const starts = compared.points.map(({ at }) => Date.parse(at))
  return points.map(({ at }) => {
    const then = Date.parse(at) - compared.offsetMs
    const counts = compared.points[starts.findLastIndex((start) => start <= then)]
    const found = counts === undefined ? undefined : value(counts)
    return found === undefined || found === null ? null : isCount ? (found * stepMs) / compared.stepMs : found
  })
}

function earlier(stats: ComparableStats, texts: SeriesTexts, how: { readonly value: Pick1; readonly isCount?: boolean }): ChartSeries[] {
  const values = earlierValues(stats, how.value, how.isCount === true)
  return values === undefined ? [] : [{ title: texts.before, color: '--text-faint', isEarlier: true, values }]
}

/** What ended, as bars on one another: failed ones below, where they are seen, then those that succeeded, then what was cancelled or skipped. */
export function endedSeries(stats: ComparableStats, texts: SeriesTexts): readonly ChartSeries[] {
  const { points } = stats
  const failed = points.map(failuresOf)
  const succeeded = points.map(({ states }) => states.succeeded ?? 0)
  const others = points.map(({ ended }, i) => ended - (failed[i] ?? 0) - (succeeded[i] ?? 0))
  const bar = { isBar: true } as const
  return [
    ...(others.some((count) => count > 0)
      ? [{ ...bar, title: texts.others, color: '--line-control', values: others, heights: points.map(({ ended }) => ended) }]
      : []),
    { ...bar, title: texts.succeeded, color: '--good', values: succeeded, heights: succeeded.map((count, i) => count + (failed[i] ?? 0)) },
    { ...bar, title: texts.failed, color: '--bad', values: failed },
    ...earlier(stats, texts, { value: ({ ended }) => ended, isCount: true }),
  ]
}

export const runTimeSeries = (stats: ComparableStats, texts: SeriesTexts): readonly ChartSeries[] => [
  ...earlier(stats, { ...texts, before: texts.p95Before }, { value: ({ runMs }) => runMs.p95 }),
  { title: texts.p50, color: '--busy', values: stats.points.map(({ runMs }) => runMs.p50 ?? null) },
  { title: texts.p95, color: '--brass', values: stats.points.map(({ runMs }) => runMs.p95 ?? null) },
]

export const latenessSeries = (stats: ComparableStats, texts: SeriesTexts): readonly ChartSeries[] => [
  ...earlier(stats, { ...texts, before: texts.maxBefore }, { value: ({ lateMs }) => lateMs.max }),
  { title: texts.p50, color: '--busy', values: stats.points.map(({ lateMs }) => lateMs.p50 ?? null) },
  { title: texts.max, color: '--brass', values: stats.points.map(({ lateMs }) => lateMs.max ?? null) },
]

export const queueSeries = ({ points }: ComparableStats, texts: SeriesTexts): readonly ChartSeries[] => [
  { title: texts.max, color: '--brass', isBar: true, values: points.map(({ gauges }) => gauges?.oldestMs.max ?? null) },
]
