import type { StatsComparison, StatsRange } from '@carillon/contracts'
import type { RollupLevel } from '@carillon/store'
import { DateTime } from 'luxon'

const MINUTE_MS = 60_000
const QUARTER_MS = 15 * MINUTE_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
export const WIDTHS: Readonly<Record<RollupLevel, number>> = {
  minute: MINUTE_MS,
  quarter: QUARTER_MS,
  hour: HOUR_MS,
  day: DAY_MS,
}

/** How long what was counted is kept, by level: the last hour by minutes, the last day and that of a week ago by quarters, the last week and that of four weeks ago by hours. */
export const KEPT_MS: Readonly<Record<RollupLevel, number>> = {
  minute: 6 * HOUR_MS,
  quarter: 9 * DAY_MS,
  hour: 36 * DAY_MS,
  day: 400 * DAY_MS,
}

/** When the interval begins in which a time lies. */
export const startOf = (level: RollupLevel, at: number): number => at - (at % WIDTHS[level])

/** What is read for a range, and how it is shown. */
export interface Intervals {
  readonly level: RollupLevel
  /** When each point begins, ascending. */
  readonly starts: readonly number[]
  readonly stepMs: number
  /** What jobs are ranked by: coarser, because it is read of all of them. */
  readonly ranked: { readonly level: RollupLevel; readonly from: number }
}

const STEPS: Readonly<Record<Exclude<StatsRange, '30d'>, { level: RollupLevel; stepMs: number; points: number }>> = {
  '1h': { level: 'minute', stepMs: MINUTE_MS, points: 60 },
  '24h': { level: 'quarter', stepMs: QUARTER_MS, points: 96 },
  '7d': { level: 'hour', stepMs: HOUR_MS, points: 168 },
}
const RANKED: Readonly<Record<Exclude<StatsRange, '30d'>, RollupLevel>> = { '1h': 'quarter', '24h': 'hour', '7d': 'day' }
const DAYS = 30

/**
 * The intervals of a range, of which the last one is not over. A month is shown by days of the zone, made of hours: where its days do not begin with an hour in
 * UTC, by the hour in which they do.
 */
export function intervalsOf(range: StatsRange, { zone, now }: { zone: string; now: number }): Intervals {
  if (range === '30d') {
    const today = DateTime.fromMillis(now, { zone }).startOf('day')
    const starts = Array.from({ length: DAYS }, (_, i) => startOf('hour', today.minus({ days: DAYS - 1 - i }).toMillis()))
    const level = starts.every((start) => start % DAY_MS === 0) ? 'day' : 'hour'
    return { level, starts, stepMs: DAY_MS, ranked: { level: 'day', from: startOf('day', starts[0] as number) } }
  }
  const { level, stepMs, points } = STEPS[range]
  const last = now - (now % stepMs)
  const starts = Array.from({ length: points }, (_, i) => last - (points - 1 - i) * stepMs)
  const [from] = starts as [number]
  const rankedLevel = RANKED[range]
  return { level, starts, stepMs, ranked: { level: rankedLevel, from: startOf(rankedLevel, from) } }
}

/** The same hours, earlier. */
export interface ComparedIntervals extends Omit<Intervals, 'ranked'> {
  readonly offsetMs: number
  /** When the last point ends. */
  readonly before: number
}

const BACK_DAYS: Readonly<Record<StatsComparison, number>> = { '1d': 1, '7d': 7, '28d': 28 }

/** By the finest level that is still kept. It goes by the time of day in the zone, also where clocks have changed since. */
export function comparedIntervals(
  range: StatsRange,
  { zone, now, compare }: { zone: string; now: number; compare: StatsComparison },
): ComparedIntervals {
  const then = DateTime.fromMillis(now, { zone }).minus({ days: BACK_DAYS[compare] }).toMillis()
  const offsetMs = now - then
  const isKept = (level: RollupLevel, from: number) => from >= now - KEPT_MS[level]
  if (range === '30d') {
    const inZone = intervalsOf(range, { zone, now: then })
    const { level, starts, stepMs } = isKept(inZone.level, inZone.starts[0] as number)
      ? inZone
      : intervalsOf(range, { zone: 'UTC', now: then })
    return { level, starts, stepMs, offsetMs, before: (starts.at(-1) as number) + stepMs }
  }
  const present = intervalsOf(range, { zone, now })
  const from = (present.starts[0] as number) - offsetMs
  const levels: readonly RollupLevel[] = range === '7d' ? ['hour', 'day'] : ['quarter', 'hour', 'day']
  const level = levels.find((one) => isKept(one, from)) ?? 'day'
  const stepMs = Math.max(WIDTHS[level], present.stepMs)
  const first = from - (from % stepMs)
  const starts = Array.from({ length: Math.floor((then - first) / stepMs) + 1 }, (_, i) => first + i * stepMs)
  return { level, starts, stepMs, offsetMs, before: (starts.at(-1) as number) + stepMs }
}
