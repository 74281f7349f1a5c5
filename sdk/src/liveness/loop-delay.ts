import type { Clock } from '@carillon/wire/internal'

/**
 * How late the event loop runs what is due. `monitorEventLoopDelay` of Node does not count the first interval after a reset, so a loop that is
 * blocked just then would look healthy.
 */
export class LoopDelay {
  readonly #clock: Clock
  readonly #periodMs: number
  #dueAt: number
  #longestMs = 0

  constructor(clock: Clock, periodMs: number) {
    this.#clock = clock
    this.#periodMs = periodMs
    this.#dueAt = clock.monotonic() + periodMs
  }

  /** To be called by a timer of `periodMs`. */
  pulse(): void {
    this.#measure()
    this.#dueAt = this.#clock.monotonic() + this.#periodMs
  }

  /** The longest delay since the last call, in ms. */
  take(): number {
    this.#measure()
    const longestMs = this.#longestMs
    this.#longestMs = 0
    return longestMs
  }

  /** Each moment counts once: what is late now may be called later still. */
  #measure(): void {
    const now = this.#clock.monotonic()
    this.#longestMs = Math.max(this.#longestMs, now - this.#dueAt)
    this.#dueAt = Math.max(this.#dueAt, now)
  }
}
