/** The queue of a handler in stream WORK, as the broker reports it. Times are the broker's, in milliseconds since 1970. */
export interface HandlerQueue {
  /** Of its consumer. */
  readonly name: string
  readonly now: number
  /** When it was made, or delivered or acknowledged something last. */
  readonly activeAt: number
  /** Messages that wait, and that were delivered and not acknowledged. */
  readonly messages: number
  /** Waiting pull requests: of live executors. */
  readonly pulls: number
}

/** An instance that is restarted offers its handlers again within this time. */
const RESTARTED_WITHIN_MS = 600_000

/** Which handlers are not offered any more: their queues have consumers, of which the stream allows 1,000. */
export class VanishedHandlers {
  readonly #idleMs: number
  readonly #restartedWithinMs: number
  /** By queue: when it was seen offered last or, if it never was, first. */
  readonly #offeredAt = new Map<string, number>()

  /** @param options.idleMs how long a queue is empty, and its handler not offered, until it may be removed */
  constructor(options: { idleMs: number }) {
    this.#idleMs = options.idleMs
    this.#restartedWithinMs = Math.min(RESTARTED_WITHIN_MS, options.idleMs)
  }

  /**
   * The queues that may be removed: empty and idle for long by the broker's clock, and not offered for as long as a restart may take. A
   * registry that has just started has not watched the offers for long enough.
   * @param context.elapsedMs of a clock that only grows
   */
  find(queues: readonly HandlerQueue[], context: { offered: ReadonlySet<string>; elapsedMs: number }): string[] {
    const { offered, elapsedMs } = context
    const names = new Set(queues.map(({ name }) => name))
    for (const name of this.#offeredAt.keys()) if (!names.has(name)) this.#offeredAt.delete(name)
    for (const { name } of queues) if (offered.has(name) || !this.#offeredAt.has(name)) this.#offeredAt.set(name, elapsedMs)
    return queues
      .filter(({ messages, pulls }) => messages === 0 && pulls === 0)
      .filter(({ now, activeAt }) => now - activeAt >= this.#idleMs)
      .filter(({ name }) => !offered.has(name) && elapsedMs - (this.#offeredAt.get(name) ?? elapsedMs) >= this.#restartedWithinMs)
      .map(({ name }) => name)
  }
}
