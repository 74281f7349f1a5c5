import { applyEvent, type Run } from './life.ts'

/** When a run ends by itself: by its deadline if it has not started by then, else by its time limit; in any case when it must have ended. */
export interface Limit {
  readonly event: 'expired' | 'overrun'
  readonly at: number
}

/** Undefined: it has none, or its time stands still. */
export function limitOf(run: Run): Limit | undefined {
  const { state, attempt, firstStartedAt: began, endAt = Number.POSITIVE_INFINITY } = run
  if (state === 'paused') return undefined
  const ofStage = began === undefined ? (attempt > 1 ? undefined : run.deadlineAt) : run.runTimeoutMs && began + run.runTimeoutMs
  const at = Math.min(endAt, ofStage ?? Number.POSITIVE_INFINITY) + (run.pausedMs ?? 0)
  return at === Number.POSITIVE_INFINITY ? undefined : { event: began === undefined ? 'expired' : 'overrun', at }
}

/** Its limit is reached. @returns whether what runs has to be cancelled first */
export function endAtLimit(run: Run, { event, at }: Limit, now: number): boolean {
  if (event === 'expired') {
    const failure = { name: 'DeadlineExceeded', message: `it had not started by its deadline, ${new Date(at).toISOString()}` }
    applyEvent(run, 'expired', { reason: 'deadline', failure, endedAt: now })
    return false
  }
  if (run.state === 'running') return true
  applyEvent(run, 'overrun', { reason: 'run-timeout', failure: overrun(run, at), endedAt: now })
  return false
}

/** An end other than success after the time limit is that of the limit. */
export function endedInTime(run: Run, now: number): void {
  const limit = limitOf(run)
  if (limit?.event !== 'overrun' || now < limit.at) return
  if (run.state !== 'failed' && run.state !== 'cancelled' && run.state !== 'timed_out') return
  run.state = 'timed_out'
  run.reason = 'run-timeout'
  run.failure ??= overrun(run, limit.at)
}

/** It took that long without the time in which it was paused. */
function overrun({ firstStartedAt, startedAt, createdAt, pausedMs = 0 }: Run, at: number) {
  const limitMs = at - pausedMs - (firstStartedAt ?? startedAt ?? createdAt)
  return { name: 'TimeoutError', message: `the run took longer than ${limitMs} ms, over all attempts` }
}
