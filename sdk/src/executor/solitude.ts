import type { Clock } from '../clock.ts'

/**
 * What is to run alone waits so long for its neighbours to end; meanwhile nothing new begins. Then another instance may have it. When its attempt has
 * ended without its handler, its neighbours wait so long for the handler.
 */
const PATIENCE_MS = 30_000
/** After that everything else goes on for so long, although such a task may wait again: one neighbour that never ends must not stop the others. */
const REST_MS = 60_000

/**
 * Keeps everything else of the process away from a task that is to run alone (`alone` in its work message): processes died while they ran it, and
 * nobody knows what of. Nothing begins while it waits or runs; it begins when nothing else runs.
 */
export class Solitude {
  readonly #clock: Clock
  #waiting = 0
  /** On the monotonic clock; 0: it is not taken. */
  #takenUntil = 0
  #restUntil = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether nothing but a task that is to run alone may begin, or be asked for. */
  get isClosed(): boolean {
    return this.isTaken || (this.#waiting > 0 && this.#clock.monotonic() >= this.#restUntil)
  }

  /** Something waits for the end of what runs. */
  get isSought(): boolean {
    return this.#waiting > 0
  }

  get isTaken(): boolean {
    return this.#takenUntil > 0 && this.#clock.monotonic() < this.#takenUntil
  }

  seek(): void {
    this.#waiting++
  }

  take(): void {
    this.#waiting--
    this.#takenUntil = Number.POSITIVE_INFINITY
  }

  /** Its attempt has ended, but its handler still runs, perhaps for ever: then it is a stuck handler like any other, which holds one slot. */
  overrun(): void {
    this.#takenUntil = this.#clock.monotonic() + PATIENCE_MS
  }

  end(): void {
    this.#takenUntil = 0
  }

  /** Tasks that wait no more: they are given back, or were cancelled. */
  forget(count: number): void {
    this.#waiting -= count
  }

  /** @param heldAt when it came, on the monotonic clock */
  isOverdue(heldAt: number): boolean {
    return !this.isTaken && this.#clock.monotonic() - Math.max(heldAt, this.#restUntil) > PATIENCE_MS
  }

  rest(): void {
    this.#restUntil = this.#clock.monotonic() + REST_MS
  }
}
