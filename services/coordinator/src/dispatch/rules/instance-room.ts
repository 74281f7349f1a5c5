import type { AssignmentAnswer } from '@carillon/contracts'

/** Without an answer for so long, its process may be blocked or gone: it is assigned no more. */
const SILENT_MS = 100
/** An instance that has no room, as far as is known, is asked again with one task after this. */
const PROBE_AFTER_MS = 20

/**
 * How many more tasks of a handler an instance may be assigned. Only the instance knows what it has, because the work queue and other coordinators fill its slots,
 * too; it says so in each answer. In between, tasks are counted that were assigned since, and those that have ended.
 */
export class InstanceRoom {
  /** Of the process that was assigned them. */
  readonly session: string
  /** How many tasks it would have at most. Until it has answered, it is assigned one. */
  #most = 1
  /** What it had besides those in `#assigned`, when it answered last. */
  #others = 0
  /** Ids of the tasks that it was assigned, and that have not ended as far as is known: the oldest first. */
  readonly #assigned = new Set<string>()
  /** Requests without an answer: how many tasks each has, and when it was sent. */
  readonly #unanswered = new Map<number, { readonly count: number; readonly at: number }>()
  #requests = 0
  #answeredAt = 0

  constructor(session: string) {
    this.session = session
  }

  get assigned(): Iterable<string> {
    return this.#assigned
  }

  free(now: number): number {
    for (const { at } of this.#unanswered.values()) {
      if (now - at > SILENT_MS) return 0
      break
    }
    const free = this.#most - this.#others - this.#assigned.size
    if (free > 0) return free
    return this.#unanswered.size === 0 && now - this.#answeredAt > PROBE_AFTER_MS ? 1 : 0
  }

  add(taskId: string): void {
    this.#assigned.add(taskId)
  }

  /** It has ended, or was not assigned. */
  remove(taskId: string): boolean {
    return this.#assigned.delete(taskId)
  }

  /** @returns the number of the request */
  sent(count: number, now: number): number {
    this.#unanswered.set(++this.#requests, { count, at: now })
    return this.#requests
  }

  /** @param answer undefined: there will be none */
  answered(request: number, answer: AssignmentAnswer | undefined, now: number): void {
    this.#unanswered.delete(request)
    this.#answeredAt = now
    if (answer === undefined) {
      // Asked with one task from time to time, until it says again what it has room for.
      this.#most = 0
      return
    }
    for (const taskId of answer.declined) this.#assigned.delete(taskId)
    let later = 0
    for (const { count } of this.#unanswered.values()) later += count
    // Another coordinator has applied the reports of some: which ones is not known here, most probably the oldest.
    let ended = this.#assigned.size - later - answer.held
    for (const taskId of this.#assigned) {
      if (ended-- <= 0) break
      this.#assigned.delete(taskId)
    }
    this.#others = Math.max(0, answer.held - (this.#assigned.size - later))
    this.#most = answer.most
  }
}
