import {
  backoffMs,
  type DelayBackoff,
  type Failure,
  type FinishedReport,
  isExcluded,
  LIMITS,
  nextState,
  POISON_AFTER,
  type Progress,
  type Reason,
  type Retry,
  type RunEvent,
  type RunMode,
  type RunState,
  type RunView,
  type Tolerance,
} from '@carillon/contracts'

/** What the only task of a run, and each task of a fan-out run, has. */
export interface Life {
  readonly id: string
  readonly runId: string
  state: RunState
  reason?: Reason | undefined
  attempt: number
  /** Up to which attempt it may be tried. */
  attempts: number
  owner?: string | undefined
  losses: number
  /** From which attempt on steps that failed permanently are tried again. */
  since: number
  progress?: Progress | undefined
  result?: unknown
  failure?: Failure | undefined
  startedAt?: number | undefined
  endedAt?: number | undefined
}

export interface Run extends Life {
  readonly handler: string
  readonly job?: string | undefined
  readonly key?: string | undefined
  readonly mode: RunMode
  readonly payload: unknown
  readonly tries: number
  readonly backoff: DelayBackoff
  readonly nonRetryable?: readonly string[] | undefined
  readonly timeoutMs?: number | undefined
  readonly shards?: number | undefined
  readonly items?: readonly unknown[] | undefined
  readonly maxParallel?: number | undefined
  readonly tolerate?: Tolerance | undefined
  readonly createdAt: number
  dueAt?: number | undefined
  /** When its first attempt began. */
  firstStartedAt?: number | undefined
  /** The try of a retry that it is part of. */
  readonly withinRetry?: string | undefined
  readonly runTimeoutMs?: number | undefined
  /** When it must have started, and when it must have ended. */
  readonly deadlineAt?: number | undefined
  readonly endAt?: number | undefined
  paused?: { readonly at: number; readonly from: 'delayed' | 'queued' | 'running' } | undefined
  pausedMs?: number | undefined
  /** Of the retry of a call, with its tries that failed. */
  readonly retry?: Retry | undefined
  failed: NonNullable<NonNullable<RunView['retry']>['failed']>
  /** Of a fan-out run, by their ids. */
  readonly tasks: Map<string, Task>
}

export interface Task extends Life {
  readonly index: number
  readonly total: number
  readonly item?: unknown
  /** Of a map: `root`, what a call named it, `reduce` or `merge`. */
  readonly task?: string | undefined
  /** The instance that a leg of a broadcast is for. */
  target?: string | undefined
  /** It has created tasks: it is no leaf. */
  hasMapped: boolean
  /** The results that a reduce or merge task reduces. */
  readonly reduces?: readonly Task[] | undefined
}

const HORIZON_MS = LIMITS.horizonYears * 365 * 86_400_000

/** Applies an event by the table of the life cycle. @returns false when it does not apply */
export function applyEvent(life: Life, event: RunEvent, set: Partial<Life> = {}): boolean {
  const state = nextState(life.state, event)
  if (state === undefined) return false
  Object.assign(life, set, { state })
  return true
}

/** An attempt has ended, as its executor reports it. @returns after how many ms the next one is due */
export function finish(life: Life, report: FinishedReport, { run, now }: { run: Run; now: number }): number | undefined {
  const failure = report.error
  const isExcludedError = failure?.retryable === false || isExcluded(failure, run.nonRetryable)
  const isFinal = report.reason !== undefined || isExcludedError || life.attempt >= life.attempts || life.state === 'cancelling'
  if ((report.outcome === 'failed' || report.outcome === 'timed_out') && !isFinal) {
    const failed = life.attempt - (life.attempts - run.tries)
    const attempt = life.attempt + 1
    const set = {
      reason: 'retry',
      attempt,
      since: attempt,
      failure,
      owner: undefined,
      progress: undefined,
      startedAt: undefined,
      losses: 0,
    } as const
    if (!applyEvent(life, 'retried', set)) return undefined
    return Math.min(
      Math.max(backoffMs(run.backoff, { failed, seed: `${life.id}/${life.attempt}` }), Math.ceil(failure?.retryAfterMs ?? 0)),
      HORIZON_MS,
    )
  }
  const isCancelled = report.outcome === 'cancelled' || nextState(life.state, report.outcome) === 'cancelled'
  const reason = isCancelled ? 'cancelled-by-request' : reasonOf(report, isExcludedError)
  const result = report.outcome === 'succeeded' ? { result: report.result ?? null, failure: undefined } : { failure }
  applyEvent(life, report.outcome, { reason, ...result, endedAt: now, losses: 0 })
  return undefined
}

function reasonOf({ outcome, reason }: FinishedReport, isExcludedError: boolean): Reason {
  if (outcome === 'succeeded') return 'completed'
  if (outcome === 'timed_out') return 'attempt-timeout'
  return reason ?? (isExcludedError ? 'non-retryable' : 'handler-error')
}

/** It resumes later, in a further attempt that uses no try. @returns whether it does */
export function goToSleep(life: Life, now: number): boolean {
  if (nextState(life.state, 'slept') === 'cancelled') {
    applyEvent(life, 'slept', { reason: 'cancelled-by-request', endedAt: now })
    return false
  }
  const next = { attempt: life.attempt + 1, attempts: life.attempts + 1, owner: undefined, startedAt: undefined, losses: 0 }
  return applyEvent(life, 'slept', { reason: 'sleep', ...next })
}

/** Its instance was lost. */
export function lose(life: Life, now: number): void {
  if (nextState(life.state, 'lost') === 'cancelled') {
    applyEvent(life, 'lost', { reason: 'cancelled-by-request', endedAt: now })
    return
  }
  const losses = life.losses + 1
  if (losses >= POISON_AFTER) {
    const last = `instance ${life.owner} was lost`
    const failure = { name: 'Poison', message: `its process died ${losses} times in a row while it ran; the last time: ${last}` }
    applyEvent(life, 'failed', { reason: 'poison', losses, failure, endedAt: now })
  } else {
    const next = { attempt: life.attempt + 1, owner: undefined, startedAt: undefined, progress: undefined }
    applyEvent(life, 'lost', { reason: 'instance-lost', losses, ...next })
  }
}

/** @returns whether its executor has to be notified */
export function cancel(life: Life, now: number): boolean {
  if (nextState(life.state, 'cancel') === 'cancelling') return applyEvent(life, 'cancel')
  applyEvent(life, 'cancel', { reason: 'cancelled-by-request', endedAt: now })
  return false
}
