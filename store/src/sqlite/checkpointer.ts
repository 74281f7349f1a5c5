import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'

/** What a commit adds to the log, about: a page for each index, and one for so many rows more. */
const [PAGES_PER_COMMIT, ROWS_PER_PAGE] = [4, 8]
const PAGE_BYTES = 4_096
/** The part of the longest log from which on it is brought in. */
const BEGIN_AT = 0.5

/**
 * Brings SQLite's write-ahead log into the database in a thread of its own: that waits for the disk twice, mostly for milliseconds, but for
 * tenths of a second when someone else keeps the disk busy, and nothing here should stand still meanwhile. A commit that finds the longest log
 * does it itself, as happens when there is no pause in which a log that was brought in could begin anew.
 */
export class Checkpointer {
  readonly #longestPages: number
  readonly #address: string
  #pages = 0
  #isUnderWay = false
  #thread: Worker | undefined

  /** @param options.longestPages of the log, of 4 KiB */
  constructor(path: string, options: { longestPages: number }) {
    this.#longestPages = options.longestPages
    const address = pathToFileURL(path)
    // A database that is gone by then is not made anew.
    address.searchParams.set('mode', 'rw')
    this.#address = address.href
  }

  /** Call after each commit. How long the log is would cost a system call: it is estimated. @param commit `bytes` of large texts */
  committed({ rows, bytes }: { rows: number; bytes: number }): void {
    this.#pages += PAGES_PER_COMMIT + rows / ROWS_PER_PAGE + bytes / PAGE_BYTES
    if (this.#isUnderWay || this.#pages < BEGIN_AT * this.#longestPages) return
    this.#isUnderWay = true
    this.#pages = 0
    this.#thread ??= this.#open()
    this.#thread.postMessage(this.#address)
  }

  /** The database is about to be closed. */
  stop(): void {
    this.#isUnderWay = true
    // It never rejects; a thread that does not end has no say in whether the process does.
    this.#thread?.terminate().catch(() => undefined)
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
