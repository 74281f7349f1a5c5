import type { LoopClock, Timer } from '../clock.ts'

/** Turns of the event loop that are let pass after each timer, so that what it began comes as far as it can without time. */
const TURNS = 6

interface Armed {
  at: number
  readonly action: () => void
}

/** Time that passes only when a test advances it. */
export class FakeClock implements LoopClock {
  #now: number
  #setBy = 0
  readonly #timers = new Set<Armed>()
  readonly #turn: (() => void)[] = []

  /** @param now ms since 1970; default 2026-01-01 */
  constructor(now = 1_767_225_600_000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now - this.#setBy
  }

  after(delayMs: number, action: () => void): Timer {
    const timer = { at: this.#now + Math.max(delayMs, 0), action }
    this.#timers.add(timer)
    return { cancel: () => this.#timers.delete(timer) }
  }

  nextTurn(action: () => void): void {
    this.#turn.push(action)
  }

  /** Ends a turn of the event loop: does what was put off until then. */
  turn(): void {
    for (const action of this.#turn.splice(0)) action()
  }

  /** Timers that wait. */
  get armed(): number {
    return this.#timers.size
  }

  /** Lets time pass: each timer fires at its own instant, and what follows from it is done before the next one. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await settle()
    while (this.#fireFirst(until)) await settle()
    this.#now = until
  }

  /** Lets time pass at once: timers fire in order, and what follows from them later comes after all of them. */
  elapse(ms: number): void {
    const until = this.#now + ms
    while (this.#fireFirst(until));
    this.#now = until
  }

  /** This process is suspended: time passes, and no timer fires before it goes on. */
  standStill(ms: number): void {
    this.#now += ms
  }

  /** The machine's clock is set: time is another, and no timer fires for it. */
  set(now: number): void {
    const shift = now - this.#now
    this.#setBy += shift
    this.#now = now
    for (const timer of this.#timers) timer.at += shift
  }

  /** @returns whether one was due */
  #fireFirst(until: number): boolean {
    let first: Armed | undefined
    for (const timer of this.#timers) if (first === undefined || timer.at < first.at) first = timer
    if (first === undefined || first.at > until) return false
    this.#now = Math.max(this.#now, first.at)
    this.#timers.delete(first)
    first.action()
    return true
  }
}

/** Lets what needs no time come to its end. */
export async function settle(): Promise<void> {
  for (let i = 0; i < TURNS; i++) await new Promise((resolve) => setImmediate(resolve))
}
