import type { FailureBackoff, JobStats } from '@carillon/contracts'
import type { JobRecord, RunHead } from '@carillon/store'

/** The newest runs of a job, in any order. */
export type RecentRuns = readonly Pick<RunHead, 'state' | 'createdAt' | 'startedAt' | 'endedAt'>[]

const HAS_FAILED: ReadonlySet<string> = new Set(['failed', 'timed_out'])
const newestFirst = (runs: RecentRuns) => runs.filter(({ endedAt }) => endedAt !== null).sort((a, b) => (b.endedAt ?? 0) - (a.endedAt ?? 0))

/** Failures since the last success. What was cancelled or skipped is neither. */
export function failuresInRow(runs: RecentRuns): { readonly count: number; readonly lastAt: number } {
  let [count, lastAt] = [0, 0]
  for (const { state, endedAt } of newestFirst(runs)) {
    if (state === 'succeeded') break
    if (!HAS_FAILED.has(state)) continue
    count++
    lastAt = Math.max(lastAt, endedAt ?? 0)
  }
  return { count, lastAt }
}

/** Until when a job whose runs fail is not fired; null: it is. */
export function backoffUntil(backoff: FailureBackoff, runs: RecentRuns): number | null {
  const { count, lastAt } = failuresInRow(runs)
  return count > backoff.afterFailures ? lastAt + (count - backoff.afterFailures) * backoff.stepMs : null
}

/** Whether failures of its runs have consequences for a job. */
export const reactsToFailures = ({ pauseAfterFailures, failureBackoff }: Pick<JobRecord, 'pauseAfterFailures' | 'failureBackoff'>) =>
  pauseAfterFailures !== null || failureBackoff !== null

export function statsOf(runs: RecentRuns): JobStats {
  const ended = newestFirst(runs)
  const durations = ended
    .filter(({ state, startedAt }) => state === 'succeeded' && startedAt !== null)
    .map(({ startedAt, endedAt }) => Math.max(0, (endedAt as number) - (startedAt as number)))
    .sort((a, b) => a - b)
  const total = durations.reduce((sum, ms) => sum + ms, 0)
  return {
    succeeded: ended.filter(({ state }) => state === 'succeeded').length,
    failed: ended.filter(({ state }) => HAS_FAILED.has(state)).length,
    failuresInRow: failuresInRow(runs).count,
    ...(durations.length > 0
      ? { averageMs: Math.round(total / durations.length), p95Ms: durations[Math.ceil(durations.length * 0.95) - 1] as number }
      : {}),
  }
}
