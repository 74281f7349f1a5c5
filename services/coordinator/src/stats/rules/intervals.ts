import type { StatsRange } from '@carillon/contracts'
import type { RollupLevel } from '@carillon/store'
import { DateTime } from 'luxon'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
export const WIDTHS: Readonly<Record<RollupLevel, number>> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS }

/** How long what was counted is kept, by level. */
export const KEPT_MS: Readonly<Record<RollupLevel, number>> = { minute: 2 * DAY_MS, hour: 35 * DAY_MS, day: 400 * DAY_MS }

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
  '24h': { level: 'minute', stepMs: 15 * MINUTE_MS, points: 96 },
  '7d': { level: 'hour', stepMs: HOUR_MS, points: 168 },
}
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
  if (range === '1h') return { level, starts, stepMs, ranked: { level, from } }
  const rankedLevel = range === '24h' ? 'hour' : 'day'
  return { level, starts, stepMs, ranked: { level: rankedLevel, from: startOf(rankedLevel, from) } }
}
