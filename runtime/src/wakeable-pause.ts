import { type Clock, pause } from '@carillon/wire/internal'

/** The pause between two rounds of a loop, which ends early when there is something to do. */
export class WakeablePause {
  readonly #clock: Clock
  #isDue = false
  #wake: AbortController | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Ends the pause, or the next one if there is none now. */
  end(): void {
    this.#isDue = true
    this.#wake?.abort()
  }

  /** Waits `delayMs`, or until `end`; answers false when `signal` aborted. */
  async wait(delayMs: number, signal: AbortSignal): Promise<boolean> {
    this.#wake = new AbortController()
    if (!this.#isDue) await pause(this.#clock, delayMs, AbortSignal.any([signal, this.#wake.signal]))
    this.#wake = undefined
    this.#isDue = false
    return !signal.aborted
  }
}
