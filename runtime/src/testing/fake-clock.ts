import type { Clock } from '../clock.ts'

/** Turns of the event loop that are let pass after each timer, so that what it began comes as far as it can without time. */
const TURNS = 6

interface Timer {
  at: number
  readonly callback: () => void
}

/** Time that passes only when a test says so. */
export class FakeClock implements Clock {
  #now: number
  #setBy = 0
  readonly #timers = new Set<Timer>()

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

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(delayMs, 0), callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Timers that wait. */
  get armed(): number {
    return this.#timers.size
  }

  /** Lets time pass: each timer fires at its own instant, and what follows from it is done before the next one. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await settle()
    for (;;) {
      const next = this.#first()
      if (next === undefined || next.at > until) break
      this.#now = Math.max(this.#now, next.at)
      this.#timers.delete(next)
      next.callback()
      await settle()
    }
    this.#now = until
  }

  /** This process stands still: time passes, and no timer fires before it goes on. */
  standStill(ms: number): void {
    this.#now += ms
  }

  #first(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) if (first === undefined || timer.at < first.at) first = timer
    return first
  }

  /** The machine's clock is set: time is another, and no timer fires for it. */
  set(now: number): void {
    const shift = now - this.#now
    this.#setBy += shift
    this.#now = now
    for (const timer of this.#timers) timer.at += shift
  }
}

/** Lets what needs no time come to its end. */
export async function settle(): Promise<void> {
  for (let i = 0; i < TURNS; i++) await new Promise((resolve) => setImmediate(resolve))
}
