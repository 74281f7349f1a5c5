import { type Failure, nextState } from '@carillon/contracts'
import type { LifeChange, RunHead } from '@carillon/store'
import { isFanOut } from '../../modes/rules/fan-out.ts'
import type { Decision } from './decision.ts'
import { CHECK_RUNNING_MS } from './life.ts'
import { decideToWait, type ElapsedTime } from './timing.ts'

/** A limit that an imprecise clock leaves this much of is over. */
const EARLY_MS = 1_000

/**
 * When a run ends by itself: by its deadline if it has not started by then, else by its time limit, which counts from its first start; in any case when it must have
 * ended.
 */
interface Limit {
  readonly event: 'expired' | 'overrun'
  readonly at: number
}

/** A deadline does not hold for a run that was retried by hand. */
export function limitOf(run: RunHead): Limit | undefined {
  const { terms, state, attempt, startedAt, firstStartedAt } = run
  // While it is paused its time stands still.
  if (!terms || state === 'paused') return undefined
  const endAt = terms.endAt === undefined || wasRetried(run) ? Number.POSITIVE_INFINITY : terms.endAt
  const began = firstStartedAt ?? startedAt
  const ofStage = began === null ? (attempt > 1 ? undefined : terms.deadlineAt) : terms.runTimeoutMs && began + terms.runTimeoutMs
  const at = Math.min(endAt, ofStage ?? Number.POSITIVE_INFINITY) + (terms.pausedMs ?? 0)
  return at === Number.POSITIVE_INFINITY ? undefined : { event: began === null ? 'expired' : 'overrun', at }
}

/** Whether it has not begun by its deadline: it is not to begin any more, also where nothing has ended it yet. */
export function hasExpired(run: RunHead, now: number): boolean {
  const limit = limitOf(run)
  return limit?.event === 'expired' && now >= limit.at
}

/** A retry by hand raises the limit of attempts, as only a sleep does beside it. */
const wasRetried = ({ attempts, sleeps, tries }: RunHead) => attempts - (sleeps ?? 0) > tries

/**
 * The end of a run whose limit is reached. What runs is cancelled first, as by request; its tasks, of a fan-out run, by the planner.
 * @returns undefined when there is no limit, or it is not reached
 */
export function decideLimit(run: RunHead, { now, elapsed }: { now: number; elapsed: ElapsedTime }): Decision | undefined {
  const limit = limitOf(run)
  if (!limit || now < limit.at || (run.state === 'cancelling' && isFanOut(run))) return undefined
  const state = nextState(run.state, limit.event)
  if (state === undefined) return undefined
  const expect = { state: [run.state], attempt: run.attempt, owner: [run.owner] }
  const ended = { endedAt: now, wakeAt: null, queuedAt: null }
  if (limit.event === 'expired') {
    const error = { name: 'DeadlineExceeded', message: `it had not started by its deadline, ${new Date(limit.at).toISOString()}` }
    return { event: 'expired', expect, set: { ...ended, state, reason: 'deadline', error } }
  }
  const limitMs = limitMsOf(run, limit)
  const leftMs = limitMs - elapsed.since(limit.at - limitMs)
  // The clock was set forward.
  if (leftMs > EARLY_MS) return decideToWait(run, { now, leftMs: Math.min(leftMs, CHECK_RUNNING_MS) })
  if (state === 'cancelling') return { event: 'overrun', expect, set: { state, reason: 'run-timeout', wakeAt: now + CANCEL_WITHIN_MS } }
  return { event: 'overrun', expect, set: { ...ended, state, reason: 'run-timeout', error: overrunError(limitMs) } }
}

/** An executor that does not confirm within this is overruled, as after a cancel by request. */
const CANCEL_WITHIN_MS = 7_000

/** A decision about a run with limits: it wakes at its limit at the latest, and an end other than success after its time limit is that of the limit. */
export function withinLimits({ run, decision }: { run: RunHead; decision: Decision }, now: number): Decision {
  if (!run.terms) return decision
  const { set } = decision
  const after: RunHead = { ...run, ...set }
  if (after.endedAt !== null && set.state !== undefined) return overran(run, decision, now)
  const limit = limitOf(after)
  if (!limit || after.state === 'cancelling') return decision
  if (after.state === 'queued' && !isFanOut(run) && run.routing === null)
    return { ...decision, set: { ...set, wakeAt: Math.min(limit.at, (run.parentTask !== null && set.wakeAt) || limit.at) } }
  if (after.wakeAt === null || after.wakeAt <= limit.at) return decision
  return { ...decision, set: { ...set, ...wokenBy(after, Math.max(limit.at, now)) } }
}

/** A pause that would end after the limit is cut: then the run ends. */
function wokenBy({ state, wakeAt, delayMs }: RunHead, at: number): LifeChange['set'] {
  if (state !== 'delayed' || delayMs === null) return { wakeAt: at }
  return { wakeAt: at, delayMs: Math.max(0, delayMs - ((wakeAt ?? at) - at)) }
}

function overran(run: RunHead, decision: Decision, now: number): Decision {
  const limit = limitOf(run)
  const { state, error } = decision.set
  const isOverrun = limit?.event === 'overrun' && now >= limit.at && (state === 'failed' || state === 'cancelled' || state === 'timed_out')
  if (!isOverrun) return decision
  return {
    ...decision,
    set: {
      ...decision.set,
      state: 'timed_out',
      reason: 'run-timeout',
      error: error ?? overrunError(limitMsOf(run, limit)),
    },
  }
}

/** How long it may take, without the time in which it was paused. */
const limitMsOf = (run: RunHead, { at }: Limit) => at - (run.terms?.pausedMs ?? 0) - (run.firstStartedAt ?? run.startedAt ?? run.createdAt)

const overrunError = (limitMs: number): Failure => ({
  name: 'TimeoutError',
  message: `the run took longer than ${limitMs} ms, over all attempts`,
})
