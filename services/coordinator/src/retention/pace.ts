import { type Clock, pause } from '@carillon/runtime'

/** Shares of the time in which it reads or writes; the rest of the store's time, and with SQLite of the event loop's, is left to other work. */
const BUSY = { reading: 0.05, writing: 0.2 } as const
const SHORTEST_MS = 2

/** Spreads batches of work: after each comes a pause in proportion to what it took. */
export class Pace {
  readonly #clock: Clock
  readonly #signal: AbortSignal

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  /** @throws whatever `work` throws, or the reason for which it is aborted */
  read<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#batch(work, BUSY.reading)
  }

  /** @throws whatever `work` throws, or the reason for which it is aborted */
  write<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#batch(work, BUSY.writing)
  }

  async #batch<Result>(work: () => Promise<Result>, busy: number): Promise<Result> {
    this.#signal.throwIfAborted()
    const began = this.#clock.monotonic()
    const result = await work()
    const tookMs = this.#clock.monotonic() - began
    await pause(this.#clock, Math.max(SHORTEST_MS, tookMs * (1 / busy - 1)), this.#signal)
    return result
  }
}
