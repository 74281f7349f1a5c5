import type { StatsOverview } from '@carillon/contracts'

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
