import { rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { CarillonError } from '@carillon/contracts'

/** Below this much free space (or a tenth of a small disk) nothing new is taken in; what runs may still end. */
const MARK_BYTES = 16 * 1024 * 1024
/** The write-ahead log, where the disk is not a small one. */
export const LONGEST_LOG_BYTES = 10 * 1024 * 1024
/** Where the size of the disk is not known, or next to nothing. */
const SHORTEST_LOG_BYTES = 256 * 1024
/**
 * Given back when the disk is full all the same: more than twice the write-ahead log, or a full disk could not even be checkpointed; the log
 * may become half as long again while a thread brings it in.
 */
const LOGS_IN_BALLAST = 3

/**
 * Keeps a store on a full disk able to end what it has begun. SQLite needs room even to delete, so the room is put aside before: a mark below
 * which new records are refused, and a ballast file beside the database for the case that others fill the disk.
 */
export class DiskReserve {
  /** How long the write-ahead log may become. */
  readonly logBytes: number
  readonly #folder: string
  readonly #ballast: string
  readonly #markBytes: number
  readonly #ballastBytes: number
  #held = false

  constructor(path: string) {
    this.#folder = dirname(path)
    this.#ballast = `${path}-ballast`
    const { blocks, bsize } = statfsSync(this.#folder)
    this.#markBytes = Math.min(MARK_BYTES, (blocks * bsize) / 10)
    this.#ballastBytes = Math.floor(Math.min(LOGS_IN_BALLAST * LONGEST_LOG_BYTES, (blocks * bsize) / 8))
    this.logBytes = Math.max(SHORTEST_LOG_BYTES, this.#ballastBytes / LOGS_IN_BALLAST)
    // What a process before this one has put aside counts.
    this.#held = statSync(this.#ballast, { throwIfNoEntry: false })?.size === this.#ballastBytes
    if (this.#held) return
    rmSync(this.#ballast, { force: true })
    this.#refill()
  }

  /**
   * Call before anything new is stored.
   * @param reusableBytes what the database holds of pages whose records were removed: what is stored there needs no room on the disk but that
   *   of the log, which it has
   * @throws CarillonError STORE_FULL
   */
  admit(reusableBytes: () => number): void {
    if (!this.#held) this.#refill()
    // A ballast that was given up comes first: without it a full disk would stop what runs already.
    const keptBytes = this.#markBytes + (this.#held ? 0 : this.#ballastBytes)
    const freeBytes = this.#freeBytes()
    if (freeBytes >= keptBytes || (this.#held && reusableBytes() >= this.#markBytes)) return
    const rest = `${Math.floor(freeBytes / 1024)} KiB free, ${Math.ceil(keptBytes / 1024)} KiB are kept for what runs already`
    throw new CarillonError('STORE_FULL', `${this.#folder}: ${rest}`)
  }

  /** Gives the ballast up; answers whether there was one. */
  release(): boolean {
    if (!this.#held) return false
    rmSync(this.#ballast, { force: true })
    this.#held = false
    return true
  }

  #refill(): void {
    if (this.#freeBytes() < this.#markBytes + this.#ballastBytes) return
    try {
      writeFileSync(this.#ballast, Buffer.alloc(this.#ballastBytes))
      this.#held = true
    } catch (error) {
      rmSync(this.#ballast, { force: true })
      // Someone was faster at taking the space; the mark still holds, and the next call tries again.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }

  #freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#folder)
    return bavail * bsize
  }
}
