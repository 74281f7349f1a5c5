import type { Rate } from '@carillon/contracts'

/** Starts within a period: intervals, each with the time it began. */
export type Starts = readonly (readonly [at: number, count: number])[]

/** A period is counted in so many intervals; as few starts as this are counted one by one. */
const INTERVALS = 60

const widthOf = ({ count, periodMs }: Rate) => (count <= INTERVALS ? 1 : Math.ceil(periodMs / INTERVALS))
/** An interval counts until its last moment has left the period: no period ever has more starts than the rate allows. */
const isCounted = (at: number, rate: Rate, now: number) => at + widthOf(rate) + rate.periodMs > now && at <= now + rate.periodMs

/** The starts that still count. Those far ahead are of a clock that was set back since. */
const counted = (starts: Starts, rate: Rate, now: number): Starts => starts.filter(([at]) => isCounted(at, rate, now))

/** How many may start now. */
export function roomOf(starts: Starts, rate: Rate, now: number): number {
  return Math.max(0, rate.count - counted(starts, rate, now).reduce((sum, [, count]) => sum + count, 0))
}

/** The starts with so many more of now. */
export function withStarts(starts: Starts, rate: Rate, { now, count }: { now: number; count: number }): Starts {
  const kept = counted(starts, rate, now)
  if (count === 0) return kept
  const at = now - (now % widthOf(rate))
  const last = kept.at(-1)
  if (last && last[0] >= at) return [...kept.slice(0, -1), [last[0], last[1] + count]]
  return [...kept, [at, count]]
}

/** When the next one may start; undefined: now. */
export function opensAt(starts: Starts, rate: Rate, now: number): number | undefined {
  let open = roomOf(starts, rate, now)
  if (open > 0) return undefined
  for (const [at, count] of counted(starts, rate, now)) {
    open += count
    if (open > 0) return at + widthOf(rate) + rate.periodMs
  }
  return undefined
}
