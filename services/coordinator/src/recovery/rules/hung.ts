/** Beyond so many times the usual duration it is no longer a slow task. */
const TIMES_THE_AVERAGE = 2.5

/** A task that an instance holds. */
export interface HeldTask {
  /** Of the newest successes of its job; undefined: there is none. */
  readonly averageMs: number | undefined
  readonly timeoutMs: number | null
}

/**
 * For how long an instance may do nothing while it holds these tasks; undefined: nothing is known of one of them, so for ever. The first run of a job may take hours, and
 * the minimum alone would end it. Its time limit says how long it may take, if it has one.
 */
export function mayBeIdleMs(held: readonly HeldTask[], leastMs: number): number | undefined {
  let longestMs = leastMs
  for (const { averageMs, timeoutMs } of held) {
    const ownMs = averageMs === undefined ? timeoutMs : averageMs * TIMES_THE_AVERAGE
    if (ownMs === null) return undefined
    longestMs = Math.max(longestMs, ownMs)
  }
  return held.length === 0 ? undefined : Math.round(longestMs)
}
