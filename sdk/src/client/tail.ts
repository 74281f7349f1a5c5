import type { Msg } from '@nats-io/transport-node'
import type { ClientLink } from '../connection/link.ts'

/** Entries that wait for a slow reader; beyond that the oldest are dropped and counted. */
const MAX_WAITING = 10_000

/** The messages of a subject from now on, as an async iterable: `for await (const entry of tail)`. Ends with `stop()` or the connection. */
export class Tail<Entry> implements AsyncIterable<Entry> {
  readonly #subscription: ReturnType<ClientLink['subscribe']>
  #waiting: Entry[] = []
  #isStopped = false
  #dropped = 0
  #wake: () => void = () => undefined

  /** @internal @param read the entries of a message; what it throws is rejected */
  constructor(link: ClientLink, subject: string, read: (message: Msg) => readonly Entry[]) {
    this.#subscription = link.subscribe(subject, (message) => this.#take(read(message)))
    const stop = () => this.stop()
    this.#subscription.closed.then(stop, stop)
  }

  /** Entries lost because they were not read in time. */
  get dropped(): number {
    return this.#dropped
  }

  /** End the iteration; what has arrived is still given out. */
  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    if (!this.#subscription.isClosed()) this.#subscription.unsubscribe()
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Entry, void, void> {
    try {
      for (;;) {
        const entries = this.#waiting
        this.#waiting = []
        yield* entries
        if (this.#waiting.length > 0) continue
        if (this.#isStopped) return
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      this.stop()
    }
  }

  #take(entries: readonly Entry[]): void {
    if (this.#isStopped) return
    for (const entry of entries) this.#waiting.push(entry)
    const excess = this.#waiting.length - MAX_WAITING
    if (excess > 0) {
      this.#waiting.splice(0, excess)
      this.#dropped += excess
    }
    this.#wake()
  }
}
