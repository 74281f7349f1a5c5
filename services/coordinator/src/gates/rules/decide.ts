import { LIMITS, nextState, type Reason } from '@carillon/contracts'
import type { GateHolder, RunArrival, RunHead } from '@carillon/store'
import { isFanOut } from '../../modes/rules/fan-out.ts'
import { type Decision, isRefused, type Refused } from '../../runs/rules/decision.ts'
import { decideCancel } from '../../runs/rules/life.ts'
import { ended } from '../../runs/rules/loss.ts'
import { isCoalescing } from './coalescing.ts'
import type { GateLimits } from './gating.ts'
import { inTurns, roomOfKey } from './turns.ts'
import { opensAt, roomOf, type Starts, withStarts } from './window.ts'

/** What is known of a gate. */
export interface GateFacts {
  readonly limits: GateLimits
  /** The runs that have a place and are open, in the order of their admission. */
  readonly holders: readonly GateHolder[]
  /** Holders whose cancellation has been requested. */
  readonly cancelling: ReadonlySet<string>
  /** Runs that have arrived and have no place: by key, each in the order of arrival; the keys in turn. */
  readonly waiting: readonly (readonly RunArrival[])[]
  /** Of overlap `serial`: runs beyond those that may wait. */
  readonly beyond: readonly RunArrival[]
  readonly starts: Starts
  readonly now: number
}

/** What is done at a gate. */
export interface GateDecision {
  /** Runs that get a place, in order. */
  readonly admit: readonly RunArrival[]
  /** Waiting runs that end. */
  readonly end: readonly { readonly run: RunArrival; readonly reason: Extract<Reason, 'overlap' | 'replaced'> }[]
  /** Runs in whose stead failed tasks of the holder run again. */
  readonly recover: readonly RunArrival[]
  /** Holders to be cancelled. */
  readonly cancel: readonly string[]
  readonly starts: Starts
  /** When the rate allows the next start, if that is what waiting runs wait for. */
  readonly opensAt: number | undefined
}

/** What becomes of the runs that wait at a gate. All limits are decided at once. */
export function decideGate(facts: GateFacts): GateDecision {
  const { limits, holders, starts, now } = facts
  const { rate } = limits
  const waiting = inTurns(facts.waiting, Number.POSITIVE_INFINITY)
  const free = Math.max(0, limits.max - holders.length)
  const mayStart = Math.min(free, rate ? roomOf(starts, rate, now) : free)
  const nothing = { end: [], recover: [], cancel: [] }
  const decided = { ...nothing, ...byOverlap(facts, { waiting, free }) }
  const admit = (decided.candidates ?? waiting).slice(0, mayStart)
  const after = rate ? withStarts(starts, rate, { now, count: admit.length }) : []
  const isHeldByRate = rate !== undefined && free > admit.length && waiting.length > admit.length
  return {
    admit,
    end: decided.end,
    recover: decided.recover,
    cancel: decided.cancel,
    starts: after,
    opensAt: isHeldByRate ? opensAt(after, rate, now) : undefined,
  }
}

type ByOverlap = Partial<Pick<GateDecision, 'end' | 'recover' | 'cancel'>> & { readonly candidates: readonly RunArrival[] }

function byOverlap(facts: GateFacts, { waiting, free }: { waiting: readonly RunArrival[]; free: number }): ByOverlap {
  const { limits, holders, cancelling, beyond } = facts
  const skip = (runs: readonly RunArrival[]) => runs.map((run) => ({ run, reason: 'overlap' }) as const)
  switch (limits.overlap) {
    case 'queue':
      return { candidates: ofTurns(facts, free) }
    case 'serial':
      return { candidates: waiting, end: skip(beyond) }
    case 'discard':
      return { candidates: waiting.slice(0, free), end: skip(waiting.slice(free)) }
    // One more may wait than has a place.
    case 'slots':
      return { candidates: waiting.slice(0, free), end: skip(waiting.slice(Math.max(1, free))) }
    case 'recover':
      return { candidates: waiting.slice(0, free), recover: waiting.slice(free) }
    case 'replace': {
      const kept = waiting.slice(-limits.max)
      const replaced = waiting.slice(0, waiting.length - kept.length)
      const open = holders.filter(({ id }) => !cancelling.has(id))
      const places = limits.max - kept.length
      const cancel = open.slice(0, Math.max(0, open.length - places)).map(({ id }) => id)
      return { candidates: kept, end: replaced.map((run) => ({ run, reason: 'replaced' }) as const), cancel }
    }
  }
}

/** As many of each key as have room, the keys in turn. */
function ofTurns({ limits, holders, waiting }: GateFacts, free: number): RunArrival[] {
  const groups = waiting.map((runs) => runs.slice(0, roomOfKey(runs[0]?.gateKey ?? '', holders, limits)))
  return inTurns(groups, free)
}

/**
 * A run that may have a place is cancelled. An executor reports a start only when the task has run for a while, so one that is queued in the store may run already:
 * its place is free when the executor that has it confirms, or none does within the grace.
 * @param options.mayRun some instance may have it
 */
export function decideToLeave(
  run: RunHead,
  { now, mayRun, reason }: { now: number; mayRun: boolean; reason?: Reason },
): Decision | Refused {
  const isBegun = (run.state === 'paused' && run.terms?.paused?.from === 'running') || mayHaveDone(run)
  const known = isBegun || (run.state === 'queued' && mayRun && !isFanOut(run)) ? ({ ...run, state: 'running' } as const) : run
  const decision = decideCancel(known, now, reason)
  return isRefused(decision) ? decision : { ...decision, expect: { ...decision.expect, state: [run.state] } }
}

/** A workflow that is to run again, and has not begun: nodes that keep their results are undone before it ends. */
const mayHaveDone = ({ mode, attempt, state, compensation }: RunHead) =>
  mode === 'workflow' && attempt > 1 && compensation !== 'again' && ['waiting', 'queued', 'paused'].includes(state)

/** A waiting run ends, because an earlier one is open. */
export function decideDiscard(run: RunHead, { reason, message, now }: { reason: Reason; message: string; now: number }): Decision {
  const state = nextState('waiting', 'discarded')
  const error = { name: 'Overlap', message }
  return {
    event: 'discarded',
    expect: { state: ['waiting'], attempt: run.attempt },
    set: { ...ended, ...(state ? { state } : {}), reason, error, endedAt: now },
  }
}

/** How long an arrival waits before it is noticed that nobody has checked its gate. */
export const ARRIVAL_CHECK_MS = 2_000
/** The same where others waited a moment ago: their gate wakes itself. Each of these checks costs a read and a write of the run. */
export const BUSY_CHECK_MS = 60_000

/** A delayed run is due: it arrives at its gate. */
export function decideArrival(run: RunHead, { order, now }: { order: number; now: number }): Decision {
  return {
    event: 'arrived',
    expect: { state: ['delayed'], attempt: run.attempt },
    set: {
      ...{ state: 'waiting', reason: 'gate', wakeAt: now + ARRIVAL_CHECK_MS, gateOrder: order },
      ...(isCoalescing(run.gate) ? { terms: { ...run.terms, arrivedAt: now } } : {}),
    },
  }
}

/** A run that is retried arrives at its gate. */
export function decideReturn({ expect, set }: Decision, { order, now }: { order: number; now: number }): Decision {
  const waits = {
    state: 'waiting',
    reason: set.reason ?? 'gate',
    queuedAt: null,
    wakeAt: now + ARRIVAL_CHECK_MS,
    gateOrder: order,
  } as const
  return { event: 'reopened', expect, set: { ...set, ...waits } }
}

/** Runs of overlap `serial` that may wait. */
export const WAITING_AT_MOST = LIMITS.gateWaiting
