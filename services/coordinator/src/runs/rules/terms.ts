import { type Priority, parseInstant, type StartRun } from '@carillon/contracts'
import type { Terms } from '@carillon/store'
import type { Cause, ParentTask } from './start-item.ts'

/** Fields of a job, or of the request for a run, that are stored together. */
interface Asked {
  readonly priority?: Priority | undefined
  readonly runTimeoutMs?: number | undefined
  readonly deadlineMs?: number | undefined
  readonly nonRetryable?: readonly string[] | undefined
}

/** What a request says, else what the job has; null when that is nothing. */
export function termsOf({ priority, runTimeoutMs, deadlineMs, nonRetryable }: Asked, job: Terms | null = null): Terms | null {
  if (priority === undefined && runTimeoutMs === undefined && deadlineMs === undefined && nonRetryable === undefined) return job
  const { priority: ofJob, ...rest } = job ?? {}
  const urgent = priority ?? ofJob ?? 'normal'
  const terms: Terms = {
    ...rest,
    ...(urgent === 'normal' ? {} : { priority: urgent }),
    ...(runTimeoutMs === undefined ? {} : { runTimeoutMs }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(nonRetryable === undefined ? {} : { nonRetryable }),
  }
  return Object.keys(terms).length > 0 ? terms : null
}

/** Those of a run that is due at `dueAt`. */
export function termsOfRun(terms: Terms | null, dueAt: number): Terms | null {
  if (terms?.deadlineMs === undefined) return terms
  const { deadlineMs, ...rest } = terms
  return { ...rest, deadlineAt: dueAt + deadlineMs }
}

/** What is left of a deadline of its caller counts from when that made the request, at the latest from now on: its clock may be ahead. */
export function termsOfCaller(terms: Terms | null, { endWithinMs, requestedAt, retry, withinRetry }: StartRun, now: number): Terms | null {
  if (endWithinMs === undefined && retry === undefined && withinRetry === undefined) return terms
  const endAt = endWithinMs === undefined ? {} : { endAt: Math.min(now, parseInstant(requestedAt) ?? now) + endWithinMs }
  return { ...terms, ...endAt, ...(retry === undefined ? {} : { retry }), ...(withinRetry === undefined ? {} : { withinRetry }) }
}

/** When a run that has not started ends by itself; Infinity: never. */
export const mustStartBy = (terms: Terms | null): number =>
  Math.min(terms?.deadlineAt ?? Number.POSITIVE_INFINITY, terms?.endAt ?? Number.POSITIVE_INFINITY)

/** Those of a run that another one has fired, or waits for. */
export function causedBy(
  terms: Terms | null,
  { cause, parent }: { readonly cause?: Cause | undefined; readonly parent?: ParentTask | undefined },
): Terms | null {
  if (parent !== undefined) {
    const { ancestors, chain, withinRetry = terms?.withinRetry } = parent
    return { ...terms, ancestors, ...(chain && { chain }), ...(withinRetry !== undefined && { withinRetry }) }
  }
  return cause === undefined ? terms : { ...terms, parent: cause.parent, chain: cause.chain }
}
