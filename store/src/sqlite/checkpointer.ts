import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'

/** What a commit adds to the log, roughly: a page for each index, and one for each further group of rows. */
const [PAGES_PER_COMMIT, ROWS_PER_PAGE] = [4, 8]
const PAGE_BYTES = 4_096
/** The part of the longest log at which a checkpoint begins. */
const BEGIN_AT = 0.5

/**
 * Checkpoints SQLite's write-ahead log in a thread of its own: a checkpoint waits for the disk twice, mostly for milliseconds, but for
 * tenths of a second when the disk is busy, and the main thread must not block for that. A commit that finds the longest log
 * does it itself, as happens when there is no pause in which a checkpointed log could be restarted.
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
    // A database that was deleted by then is not created again.
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
    // It never rejects; a thread that does not end does not keep the process alive.
    this.#thread?.terminate().catch(() => undefined)
  }

  #open(): Worker {
    const thread = new Worker(new URL('./checkpoint-thread.js', import.meta.url))
    thread.on('message', () => {
      this.#isUnderWay = false
    })
    // Without a thread the commits checkpoint.
    thread.on('error', () => undefined)
    thread.unref()
    return thread
  }
}
