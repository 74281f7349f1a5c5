/**
 * Time during which heartbeats could have been received. It grows with each tick, by no more than two ticks at once: while this process was
 * suspended, or the broker was, none could arrive, and that is no silence of an instance.
 */
export class TickedTime {
  readonly #longestStepMs: number
  #lastTickAt: number
  #elapsedMs = 0

  constructor(options: { tickMs: number; now: number }) {
    this.#longestStepMs = 2 * options.tickMs
    this.#lastTickAt = options.now
  }

  /** @param now milliseconds of any clock, which may jump */
  tick(now: number): void {
    this.#elapsedMs += Math.min(Math.max(now - this.#lastTickAt, 0), this.#longestStepMs)
    this.#lastTickAt = now
  }

  /** Ticked milliseconds since the beginning. */
  get elapsedMs(): number {
    return this.#elapsedMs
  }
}
