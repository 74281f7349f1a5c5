import { setTimeout as sleep } from 'node:timers/promises'
import { MongoNetworkTimeoutError } from 'mongodb'
import { isTransient } from './mongo-error.ts'

/** Longer than an election (about 10 s); after it the caller gets STORE_UNAVAILABLE. */
const LIMIT_MS = 15_000
const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 1_000
const ASK_EVERY_MS = 100

/** Pauses of one operation: growing, with jitter so that writers who collided do not collide again, until the time is up. */
export class RetryBackoff {
  readonly #endAt = performance.now() + LIMIT_MS
  #longestMs = FIRST_PAUSE_MS

  /** Waits, or throws `error` when it is not transient or the time is up. */
  async pause(error: unknown): Promise<void> {
    if (!isTransient(error) || performance.now() + this.#longestMs > this.#endAt) throw error
    await sleep(this.#longestMs * (0.5 + Math.random() / 2))
    this.#longestMs = Math.min(this.#longestMs * 2, LONGEST_PAUSE_MS)
  }
}

/** Repeats an idempotent operation while it fails with a transient error. */
export async function withRetry<Result>(work: () => Promise<Result>): Promise<Result> {
  for (const backoff = new RetryBackoff(); ; ) {
    try {
      return await work()
    } catch (error) {
      await backoff.pause(error)
    }
  }
}

/** Polls until the answer is true, or the time is up. */
export async function waitUntil(ask: () => Promise<boolean>, withinMs: number): Promise<void> {
  for (const until = performance.now() + withinMs; !(await ask()) && performance.now() < until; ) await sleep(ASK_EVERY_MS)
}

/**
 * Aborts `work` when it gets no answer. Senders of large commands must observe the signal: when a socket closes while one is being written, the
 * driver (7.9) waits for ever for `drain`, and the connection stays in use; only an aborted signal ends both.
 */
export async function withinLimit<Result>(limitMs: number, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(new MongoNetworkTimeoutError(`no answer within ${limitMs} ms`)), limitMs)
  try {
    return await work(limit.signal)
  } finally {
    clearTimeout(timer)
  }
}
