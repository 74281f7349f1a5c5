import type { Clock } from '@carillon/wire/internal'

/**
 * What is to run alone waits so long for its neighbours to end; meanwhile nothing new begins. Then another instance may have it. When its attempt has
 * ended without its handler, its neighbours wait so long for the handler.
 */
const PATIENCE_MS = 30_000
/** After that everything else goes on for so long, although such a task may wait again: one neighbour that never ends must not stop the others. */
const REST_MS = 60_000

/**
 * Keeps everything else of the process away from a task that is to run alone (`alone` in its work message): processes died while they ran it, and
 * nobody knows what of. Nothing begins while it waits or runs; it begins when nothing else runs. One for all executors of a process: they die together.
 */
export class Isolation {
  readonly #clock: Clock
  /** Of each executor: nothing of it runs, and every report so far is stored. */
  readonly #idle = new Set<() => boolean>()
  #waiting = 0
  #holder: object | undefined
  /** On the monotonic clock; 0: it is not taken. */
  #takenUntil = 0
  #restUntil = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** An executor begins to take work. */
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

  /** Whether nothing but a task that is to run alone may begin, or be asked for. */
  get isClosed(): boolean {
    return this.isTaken || (this.#waiting > 0 && this.#clock.monotonic() >= this.#restUntil)
  }

  /** Something waits for the end of what runs. */
  get isRequested(): boolean {
    return this.#waiting > 0
  }

  get isTaken(): boolean {
    return this.#takenUntil > 0 && this.#clock.monotonic() < this.#takenUntil
  }

  request(): void {
    this.#waiting++
  }

  /** @param holder who says when it has ended */
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
