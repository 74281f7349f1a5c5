import type { Clock } from '@carillon/wire/internal'

/**
 * A task that is to run alone waits so long for the other tasks to end, while nothing new begins. Then it is released to another instance. When its attempt has
 * ended without its handler, other tasks wait so long for the handler.
 */
const PATIENCE_MS = 30_000
/** After that other tasks begin again for so long, although such a task may wait: one task that never ends must not stop the others. */
const REST_MS = 60_000

/**
 * Isolates a task that is to run alone in its process (`alone` in its work message): processes died while they ran it, of
 * an unknown cause. Nothing begins while it waits or runs; it begins when nothing else runs. One for all executors of a process: they die together.
 */
export class Isolation {
  readonly #clock: Clock
  /** For each executor: whether nothing of it runs, and every report so far is stored. */
  readonly #idle = new Set<() => boolean>()
  #waiting = 0
  #holder: object | undefined
  /** On the monotonic clock; 0: it is not taken. */
  #takenUntil = 0
  #restUntil = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** An executor begins to accept work. */
  join(isIdle: () => boolean): void {
    this.#idle.add(isIdle)
  }

  leave(isIdle: () => boolean): void {
    this.#idle.delete(isIdle)
  }

  /** Nothing runs in the other executors of the process. */
  isIdleBeside(own: () => boolean): boolean {
    for (const isIdle of this.#idle) if (isIdle !== own && !isIdle()) return false
    return true
  }

  /** Whether only a task that is to run alone may begin, and no work is requested. */
  get isClosed(): boolean {
    return this.isTaken || (this.#waiting > 0 && this.#clock.monotonic() >= this.#restUntil)
  }

  /** A task waits to run alone. */
  get isRequested(): boolean {
    return this.#waiting > 0
  }

  get isTaken(): boolean {
    return this.#takenUntil > 0 && this.#clock.monotonic() < this.#takenUntil
  }

  request(): void {
    this.#waiting++
  }

  /** @param holder the lane that ends the isolation */
  take(holder: object): void {
    this.#waiting--
    this.#holder = holder
    this.#takenUntil = Number.POSITIVE_INFINITY
  }

  /** Its attempt has ended, but its handler still runs, perhaps for ever: then it is a stuck handler like any other, which holds one slot. */
  overrun(holder: object): void {
    if (this.#holder === holder) this.#takenUntil = this.#clock.monotonic() + PATIENCE_MS
  }

  end(holder: object): void {
    if (this.#holder === holder) this.#takenUntil = 0
  }

  /** Tasks that wait no more: they were released or cancelled. */
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
