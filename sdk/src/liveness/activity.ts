const [PULSE, SIGNS, HELD] = [0, 1, 2]
const NUMBERS = 3

/** A process that did not run for longer, with its machine or alone, was suspended: that is no idleness of its tasks. */
const LONGEST_STEP_MS = 2_000

/**
 * What the main thread does, as numbers in memory that it shares with the liveness thread: whether its event loop moves, and how much has come of its tasks.
 * A sign of work costs an addition, because there are many for each task.
 */
export class Activity {
  readonly memory = new SharedArrayBuffer(NUMBERS * Int32Array.BYTES_PER_ELEMENT)
  readonly #numbers = new Int32Array(this.memory)

  /** The event loop has come round. */
  pulse(): void {
    Atomics.add(this.#numbers, PULSE, 1)
  }

  /** Something has come of a task: progress, a log line, a call. */
  sign(): void {
    // Only this thread writes it.
    this.#numbers[SIGNS] = (this.#numbers[SIGNS] as number) + 1
  }

  /** A handler has begun: it holds a slot. */
  began(): void {
    this.#numbers[HELD] = (this.#numbers[HELD] as number) + 1
    this.sign()
  }

  /** A handler has settled. */
  settled(): void {
    this.#numbers[HELD] = (this.#numbers[HELD] as number) - 1
    this.sign()
  }
}

/** Reads the activity of the main thread, from any thread. */
export class ActivityWatch {
  readonly #numbers: Int32Array
  #lastPulse: number
  #lastSigns: number
  #lookedAt: number
  #movedAt: number
  #idleMs = 0

  /** @param now of a monotonic clock */
  constructor(memory: SharedArrayBuffer, now: number) {
    this.#numbers = new Int32Array(memory)
    this.#lastPulse = Atomics.load(this.#numbers, PULSE)
    this.#lastSigns = Atomics.load(this.#numbers, SIGNS)
    this.#lookedAt = now
    this.#movedAt = now
  }

  /** To be called several times a second. */
  look(now: number): void {
    const [pulse, signs] = [Atomics.load(this.#numbers, PULSE), Atomics.load(this.#numbers, SIGNS)]
    if (pulse !== this.#lastPulse) this.#movedAt = now
    this.#idleMs = signs === this.#lastSigns ? this.#idleMs + Math.min(now - this.#lookedAt, LONGEST_STEP_MS) : 0
    this.#lastPulse = pulse
    this.#lastSigns = signs
    this.#lookedAt = now
  }

  /** How long the event loop has not come round. */
  stillMs(now: number): number {
    return now - this.#movedAt
  }

  /** Slots that are taken. */
  get held(): number {
    return Atomics.load(this.#numbers, HELD)
  }

  /** How long nothing has come of the tasks that are held; undefined: none is. */
  idleMs(now: number): number | undefined {
    this.look(now)
    return this.held > 0 ? Math.round(this.#idleMs) : undefined
  }
}
