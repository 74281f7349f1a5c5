/** What a commit adds to the log, about: a page for each index, and one for so many rows more. */
const [PAGES_PER_COMMIT, ROWS_PER_PAGE] = [4, 8]
/** The parts of the longest log from which on it is brought in when nothing has been written for a while, and at the end of any turn. */
const [WHEN_QUIET, AT_ONCE] = [0.3, 0.7]
const QUIET_MS = 50

/**
 * Says when SQLite's write-ahead log is to be brought into the database. That takes milliseconds, so it comes in a turn of its own, after whoever
 * waits for a commit has heard of it, and where possible between two bursts. A commit that finds the longest log does it itself.
 */
export class Checkpointer {
  readonly #longestPages: number
  readonly #checkpoint: () => void
  #pages = 0
  #isDue = false
  #timer: NodeJS.Timeout | undefined

  /** @param options.longestPages of the log, of 4 KiB */
  constructor(options: { longestPages: number; checkpoint: () => void }) {
    this.#longestPages = options.longestPages
    this.#checkpoint = options.checkpoint
  }

  /** Call after each commit. How long the log is would cost a system call: it is estimated. */
  committed(rows: number): void {
    this.#pages += PAGES_PER_COMMIT + rows / ROWS_PER_PAGE
    if (this.#isDue || this.#pages < WHEN_QUIET * this.#longestPages) return
    if (this.#pages < AT_ONCE * this.#longestPages) {
      if (this.#timer) this.#timer.refresh()
      else this.#timer = setTimeout(() => this.#run(), QUIET_MS).unref()
      return
    }
    this.#isDue = true
    // After the turn that follows the commit: in that one its callers tell of it.
    setImmediate(() => setImmediate(() => this.#run()))
  }

  /** The database is about to be closed. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#isDue = true
  }

  #run(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isDue = false
    this.#pages = 0
    this.#checkpoint()
  }
}
