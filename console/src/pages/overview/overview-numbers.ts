import type { StatsOverview, StatsPoint } from '@carillon/contracts'
import type { ChartSeries } from '../../parts/chart/chart-data.ts'

/** Failures of the states that mean that something is wrong: a cancelled run is none. */
const BAD = ['failed', 'timed_out', 'expired'] as const

type Counted = Pick<StatsPoint, 'states'>

export const failuresOf = ({ states }: Counted): number => BAD.reduce((sum, state) => sum + (states[state] ?? 0), 0)

/** Three significant digits: `0.04`, `1.25`, `312`. */
export function rateText(perMinute: number): string {
  if (perMinute === 0) return '0'
  return perMinute >= 100 ? String(Math.round(perMinute)) : String(Number(perMinute.toPrecision(3)))
}

export function percentText(part: number, whole: number): string {
  if (whole === 0 || part === 0) return '0'
  const percent = (part / whole) * 100
  return percent < 0.1 ? '< 0.1' : percent >= 10 ? String(Math.round(percent)) : percent.toFixed(1)
}

/** The rate of what ended, in runs a minute, over the time that is counted. */
export function ratePerMinute({ totals, from, to }: Pick<StatsOverview, 'totals' | 'from' | 'to'>): number {
  const minutes = (Date.parse(to) - Date.parse(from)) / 60_000
  return minutes <= 0 ? 0 : totals.ended / minutes
}

export const timesOf = (points: readonly StatsPoint[]): readonly number[] => points.map(({ at }) => Date.parse(at) / 1_000)

export interface SeriesTexts {
  readonly others: string
  readonly failed: string
  readonly p50: string
  readonly p95: string
  readonly max: string
}

/** What ended, with the failed ones in front of all: together they look like a stack. */
export const endedSeries = (points: readonly StatsPoint[], texts: SeriesTexts): readonly ChartSeries[] => [
  { title: texts.others, color: '--good', isBar: true, values: points.map(({ ended }) => ended) },
  { title: texts.failed, color: '--bad', isBar: true, values: points.map(failuresOf) },
]

export const runTimeSeries = (points: readonly StatsPoint[], texts: SeriesTexts): readonly ChartSeries[] => [
  { title: texts.p50, color: '--busy', values: points.map(({ runMs }) => runMs.p50 ?? null) },
  { title: texts.p95, color: '--brass', values: points.map(({ runMs }) => runMs.p95 ?? null) },
]

export const latenessSeries = (points: readonly StatsPoint[], texts: SeriesTexts): readonly ChartSeries[] => [
  { title: texts.p50, color: '--busy', values: points.map(({ lateMs }) => lateMs.p50 ?? null) },
  { title: texts.max, color: '--brass', values: points.map(({ lateMs }) => lateMs.max ?? null) },
]

export const queueSeries = (points: readonly StatsPoint[], texts: SeriesTexts): readonly ChartSeries[] => [
  { title: texts.max, color: '--brass', isBar: true, values: points.map(({ gauges }) => gauges?.oldestMs.max ?? null) },
]
