import { setImmediate as nextTurn } from 'node:timers/promises'

/** Of all requests that wait or are served. */
const MOST_BYTES = 64 * 1024 * 1024

/**
 * Large requests are served one after another, each in a turn of the event loop of its own: to parse one takes milliseconds and several times its
 * memory, and a small one that arrives behind a hundred of them is served first.
 */
export class LargeRequests {
  #bytes = 0
  #isServing = false
  #waiting: (() => void)[] = []

  /** Whether there is room for one more; one is taken in any case. */
  hasRoom(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= MOST_BYTES
  }

  async inTurn(bytes: number, serve: () => Promise<void>): Promise<void> {
    this.#bytes += bytes
    if (!this.#isServing) this.#isServing = true
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      await nextTurn()
      await serve()
    } finally {
      this.#bytes -= bytes
      const next = this.#waiting.shift()
      if (next) next()
      else this.#isServing = false
    }
  }
}
