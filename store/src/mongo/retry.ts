import { setTimeout } from 'node:timers/promises'
import { MongoNetworkTimeoutError } from 'mongodb'
import { isTransient } from './mongo-error.ts'

/** Longer than an election (about 10 s); after it the caller hears STORE_UNAVAILABLE. */
const LIMIT_MS = 15_000
const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 1_000
/** More than the driver's own limit for silence on a socket (30 s), which says better what is wrong. */
const ANSWER_WITHIN_MS = 35_000

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

/**
 * A command's answer, or an error like that of a broken connection. The driver (7.5.0) waits for ever when a socket closes while a large
 * command is still being written: it waits for `drain`, which never comes.
 */
export async function orNoAnswer<Answer>(answer: Promise<Answer>, withinMs = ANSWER_WITHIN_MS): Promise<Answer> {
  const answered = new AbortController()
  const silence = setTimeout(withinMs, undefined, { signal: answered.signal }).then(() => {
    throw new MongoNetworkTimeoutError(`no answer within ${withinMs} ms`)
  })
  try {
    return await Promise.race([answer, silence])
  } finally {
    answered.abort()
  }
}
