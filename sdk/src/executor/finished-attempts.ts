import { attemptKey, type HeldTask } from './held-task.ts'

/** Entries of one generation: with two of them, the last seconds of the fastest executor, and the last hours of most. */
const GENERATION = 10_000

/**
 * Attempts that have ended here and whose report the broker has confirmed, by task and attempt: at least the last 10,000. A broker that is
 * killed forgets acknowledgements and delivers such work again, as if for the first time.
 */
export class FinishedAttempts {
  #recent = new Map<string, string>()
  #older = new Map<string, string>()

  add({ work, deliveredAttempt, ackSubject }: HeldTask): void {
    if (ackSubject === undefined) return
    if (this.#recent.size >= GENERATION) {
      this.#older = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(attemptKey(work), ackSubject)
    if (deliveredAttempt !== work.attempt) this.#recent.set(attemptKey({ ...work, attempt: deliveredAttempt }), ackSubject)
  }

  /** Where the message of an attempt that has ended was acknowledged. */
  find(work: HeldTask['work']): string | undefined {
    const key = attemptKey(work)
    return this.#recent.get(key) ?? this.#older.get(key)
  }
}
