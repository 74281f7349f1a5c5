import type { StatsDurations } from '@carillon/contracts'
import type { Distribution } from '@carillon/store'

/** Each bin is 4 % wider than the one before. Fixed for ever: what is stored was counted with it. */
const GAMMA = 1.04
const LN_GAMMA = Math.log(GAMMA)
/** Of what took less than a millisecond. */
const NOTHING = -1

/** A distribution that is being counted. */
export interface Counting {
  count: number
  sumMs: number
  maxMs: number
  readonly bins: Record<string, number>
}

export const emptyDistribution = (): Counting => ({ count: 0, sumMs: 0, maxMs: 0, bins: {} })

export const binOf = (ms: number): number => (ms < 1 ? NOTHING : Math.ceil(Math.log(ms) / LN_GAMMA))

/** What stands for every value of a bin: at most 2 % off. */
const midOf = (bin: number): number => (bin === NOTHING ? 0 : (2 * GAMMA ** bin) / (1 + GAMMA))

export function measure(into: Counting, ms: number): void {
  const bin = binOf(ms)
  into.count++
  into.sumMs += ms
  if (ms > into.maxMs) into.maxMs = ms
  into.bins[bin] = (into.bins[bin] ?? 0) + 1
}

/** Adds one to another; the order does not matter. */
export function addDistribution(into: Counting, other: Distribution): void {
  into.count += other.count
  into.sumMs += other.sumMs
  into.maxMs = Math.max(into.maxMs, other.maxMs)
  for (const bin in other.bins) into.bins[bin] = (into.bins[bin] ?? 0) + (other.bins[bin] ?? 0)
}

/** The value below which a share of all lies, from 0 to 1; undefined where nothing was measured. */
export function quantile({ count, maxMs, bins }: Distribution, share: number): number | undefined {
  if (count === 0) return undefined
  const rank = share * (count - 1)
  let below = 0
  for (const bin of Object.keys(bins)
    .map(Number)
    .sort((a, b) => a - b)) {
    below += bins[bin] ?? 0
    if (below > rank) return Math.min(midOf(bin), maxMs)
  }
  return maxMs
}

export function durationsOf(distribution: Distribution): StatsDurations {
  const { count, sumMs, maxMs } = distribution
  if (count === 0) return { count }
  const at = (share: number) => rounded(quantile(distribution, share) ?? 0)
  return { count, mean: rounded(sumMs / count), p50: at(0.5), p95: at(0.95), max: maxMs }
}

/** Tenths of a millisecond are noise. */
export const rounded = (ms: number): number => Math.round(ms * 10) / 10
