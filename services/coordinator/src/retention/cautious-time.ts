import type { Clock } from '@carillon/runtime'

/** How fast it catches up with a wall clock that has jumped ahead. */
const CATCH_UP = 2

/**
 * The wall clock for decisions that cannot be undone. It goes back with the wall clock at once, but forward at most twice as fast as time passes: a
 * clock that is an hour ahead for a minute makes everything two minutes older, not an hour. After a machine has slept it catches up within as
 * long as that was.
 */
export class CautiousTime {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>
  #now: number
  #monotonic: number

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.#clock = clock
    this.#now = clock.now()
    this.#monotonic = clock.monotonic()
  }

  /** Milliseconds since 1970. */
  now(): number {
    const monotonic = this.#clock.monotonic()
    const elapsedMs = monotonic - this.#monotonic
    this.#monotonic = monotonic
    this.#now = Math.min(this.#clock.now(), this.#now + elapsedMs * CATCH_UP)
    return this.#now
  }
}
