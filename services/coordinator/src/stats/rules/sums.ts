import type { RollupSum } from '@carillon/store'

/** Sums of several intervals, added up by scope. */
export function addSums(intervals: readonly (readonly RollupSum[])[]): RollupSum[] {
  const sums = new Map<string, RollupSum>()
  for (const interval of intervals)
    for (const sum of interval) {
      const known = sums.get(sum.scope)
      sums.set(sum.scope, known === undefined ? sum : together(known, sum))
    }
  return [...sums.values()]
}

const together = (one: RollupSum, other: RollupSum): RollupSum => ({
  scope: one.scope,
  ended: one.ended + other.ended,
  failed: one.failed + other.failed,
  runCount: one.runCount + other.runCount,
  runSumMs: one.runSumMs + other.runSumMs,
  runMaxMs: Math.max(one.runMaxMs, other.runMaxMs),
})
