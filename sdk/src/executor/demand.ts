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
  readonly pace: Pace
}

/** How quickly tasks of a handler end. */
export interface Pace {
  /** Recent duration of a task in ms; undefined before the first has ended. */
  readonly averageMs: number | undefined
  /** How many have ended in a millisecond recently. */
  readonly endedPerMs: number
}

/** Nothing has ended yet. */
export const UNKNOWN_PACE: Pace = { averageMs: undefined, endedPerMs: 0 }

/** Tasks shorter than this are prefetched, up to the concurrency again: they would be over before another instance had them. */
const SHORT_MS = 20
/** … and twice over it below this. */
const VERY_SHORT_MS = 5
/** Prefetched for very short tasks even at concurrency 1. */
const LEAST_AHEAD = 16
/** … or as many as end in this time, if that is more … */
const AHEAD_FOR_MS = 30
/** … at most: they are lost with the process, and then begin again elsewhere. */
const MOST_AHEAD = 1_000
/** Unconfirmed reports beyond which no work is requested: the broker does not keep up. */
const MAX_UNCONFIRMED = 2_000

/** How many tasks may be held beyond those that run. 0 for slow tasks: they stay available to other instances. */
export function readAhead(concurrency: number, { averageMs, endedPerMs }: Pace): number {
  if (averageMs === undefined || averageMs >= SHORT_MS) return 0
  if (averageMs >= VERY_SHORT_MS) return concurrency
  return Math.max(LEAST_AHEAD, 2 * concurrency, Math.min(Math.floor(endedPerMs * AHEAD_FOR_MS), MOST_AHEAD))
}

/** How many tasks may be held: those that run and those that wait. */
export function mostHeld({ concurrency, unconfirmed, pace }: Pick<DemandFacts, 'concurrency' | 'unconfirmed' | 'pace'>): number {
  return unconfirmed >= MAX_UNCONFIRMED ? 0 : concurrency + readAhead(concurrency, pace)
}

/** How many messages to request now. Short tasks are requested in groups, because each request costs a message. */
export function demand(facts: DemandFacts): number {
  const most = mostHeld(facts)
  const room = most - facts.running - facts.waiting - facts.requested
  if (room <= 0) return 0
  const canGather = most > facts.concurrency && facts.waiting + facts.requested > 0
  return canGather && room < most / 4 ? 0 : room
}

/** An exponential moving average that follows changes quickly. */
export const nextAverage = (averageMs: number | undefined, durationMs: number) =>
  averageMs === undefined ? durationMs : averageMs + (durationMs - averageMs) / 16

/** A pace is measured over so long. */
const WINDOW_MS = 50
/** After a pause of this length the pace before it says nothing. */
const PAUSE_MS = 1_000

/** Measures the pace of a handler. */
export class PaceMeter implements Pace {
  averageMs: number | undefined
  endedPerMs = 0
  #since = 0
  #ended = 0

  /** A task has ended, after so long. */
  ended(durationMs: number, now: number): void {
    this.averageMs = nextAverage(this.averageMs, durationMs)
    this.#ended++
    const elapsedMs = now - this.#since
    if (elapsedMs < WINDOW_MS) return
    this.endedPerMs = elapsedMs > PAUSE_MS ? 0 : this.#ended / elapsedMs
    this.#since = now
    this.#ended = 0
  }

  /** One that runs has taken so long already. */
  takes(durationMs: number): void {
    if (durationMs > (this.averageMs ?? 0)) this.averageMs = durationMs
  }
}
