/** The facts from which the number of requested messages of a handler is computed. */
export interface DemandFacts {
  readonly concurrency: number
  readonly running: number
  /** Received, not running yet. */
  readonly waiting: number
  /** Requested, not received yet. */
  readonly requested: number
  /** Ended, but the broker has not confirmed the report yet. */
  readonly unconfirmed: number
  /** Recent duration of a task in ms; undefined before the first has ended. */
  readonly averageMs: number | undefined
}

/** Tasks shorter than this are prefetched, up to the concurrency again: they would be over before another instance had them. */
const SHORT_MS = 20
/** … and twice over it below this. */
const VERY_SHORT_MS = 5
/** Prefetched for very short tasks even at concurrency 1. */
const LEAST_AHEAD = 16
/** Unconfirmed reports beyond which no work is requested: the broker does not keep up. */
const MAX_UNCONFIRMED = 2_000

/** How many tasks may be held beyond those that run. 0 for slow tasks: they stay available to other instances. */
export function readAhead(concurrency: number, averageMs: number | undefined): number {
  if (averageMs === undefined || averageMs >= SHORT_MS) return 0
  return averageMs < VERY_SHORT_MS ? Math.max(LEAST_AHEAD, 2 * concurrency) : concurrency
}

/** How many messages to request now. Short tasks are requested in groups, because each request costs a message. */
export function demand(facts: DemandFacts): number {
  if (facts.unconfirmed >= MAX_UNCONFIRMED) return 0
  const ahead = readAhead(facts.concurrency, facts.averageMs)
  const most = facts.concurrency + ahead
  const room = most - facts.running - facts.waiting - facts.requested
  if (room <= 0) return 0
  const canGather = ahead > 0 && facts.waiting + facts.requested > 0
  return canGather && room < most / 4 ? 0 : room
}

/** An exponential moving average that follows changes quickly. */
export const nextAverage = (averageMs: number | undefined, durationMs: number) =>
  averageMs === undefined ? durationMs : averageMs + (durationMs - averageMs) / 16
