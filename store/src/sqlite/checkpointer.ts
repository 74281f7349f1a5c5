import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'

/** What a commit adds to the log, about: a page for each index, and one for so many rows more. */
const [PAGES_PER_COMMIT, ROWS_PER_PAGE] = [4, 8]
/** The parts of the longest log from which on it is brought in when nothing has been written for a while, and at any time. */
const [WHEN_QUIET, AT_ONCE] = [0.3, 0.7]
const QUIET_MS = 50

/**
 * Brings SQLite's write-ahead log into the database in a thread of its own: that waits for the disk twice, mostly for milliseconds, but for
 * tenths of a second when someone else keeps the disk busy, and nothing here should stand still meanwhile. Where possible it comes between two
 * bursts. A commit that finds the longest log does it itself.
 */
export class Checkpointer {
  readonly #longestPages: number
  readonly #address: string
  #pages = 0
  #isUnderWay = false
  #timer: NodeJS.Timeout | undefined
  #thread: Worker | undefined

  /** @param options.longestPages of the log, of 4 KiB */
  constructor(path: string, options: { longestPages: number }) {
    this.#longestPages = options.longestPages
    const address = pathToFileURL(path)
    // A database that is gone by then is not made anew.
    address.searchParams.set('mode', 'rw')
    this.#address = address.href
  }

  /** Call after each commit. How long the log is would cost a system call: it is estimated. */
  committed(rows: number): void {
    this.#pages += PAGES_PER_COMMIT + rows / ROWS_PER_PAGE
    if (this.#isUnderWay || this.#pages < WHEN_QUIET * this.#longestPages) return
    if (this.#pages >= AT_ONCE * this.#longestPages) this.#start()
    else if (this.#timer) this.#timer.refresh()
    else this.#timer = setTimeout(() => this.#start(), QUIET_MS).unref()
  }

  /** The database is about to be closed. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#isUnderWay = true
    void this.#thread?.terminate()
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isUnderWay = true
    this.#pages = 0
    this.#thread ??= this.#open()
    this.#thread.postMessage(this.#address)
  }

  #open(): Worker {
    const thread = new Worker(new URL('./checkpoint-thread.js', import.meta.url))
    thread.on('message', () => {
      this.#isUnderWay = false
    })
    // Without a thread it is left to the commits.
    thread.on('error', () => undefined)
    thread.unref()
    return thread
  }
}
