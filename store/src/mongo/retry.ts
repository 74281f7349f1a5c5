import { setTimeout } from 'node:timers/promises'
import { isTransient } from './mongo-error.ts'

/** Longer than an election (about 10 s); after it the caller hears STORE_UNAVAILABLE. */
const LIMIT_MS = 15_000
const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 1_000

/** Pauses of one operation: growing, with jitter so that writers who collided do not collide again, until the time is up. */
export class Patience {
  readonly #endAt = performance.now() + LIMIT_MS
  #longestMs = FIRST_PAUSE_MS

  /** Waits, or throws `error` when it is not transient or the time is up. */
  async pause(error: unknown): Promise<void> {
    if (!isTransient(error) || performance.now() + this.#longestMs > this.#endAt) throw error
    await setTimeout(this.#longestMs * (0.5 + Math.random() / 2))
    this.#longestMs = Math.min(this.#longestMs * 2, LONGEST_PAUSE_MS)
  }
}

/** Repeats what is safe to repeat while it fails for a transient reason. */
export async function withRetry<Result>(work: () => Promise<Result>): Promise<Result> {
  for (const patience = new Patience(); ; ) {
    try {
      return await work()
    } catch (error) {
      await patience.pause(error)
    }
  }
}
