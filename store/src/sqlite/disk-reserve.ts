import { rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { CarillonError } from '@carillon/contracts'

/** Below this much free space (or a tenth of a small disk) new records are refused; what runs may still end. */
const MARK_BYTES = 16 * 1024 * 1024
/** The write-ahead log, where the disk is not a small one. */
export const LONGEST_LOG_BYTES = 10 * 1024 * 1024
/** Where the size of the disk is not known, or next to nothing. */
const SHORTEST_LOG_BYTES = 256 * 1024
/**
 * Deleted when the disk fills up nevertheless: more than twice the write-ahead log, or a full disk could not even be checkpointed; the log
 * may grow by half while a thread checkpoints it.
 */
const LOGS_IN_BALLAST = 3

/**
 * Lets a store on a full disk end what it has begun. SQLite needs space even to delete, so space is reserved before: a limit below
 * which new records are refused, and a ballast file beside the database for the case that other programs fill the disk.
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
    // The reserve of a process before this one counts.
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
    // A ballast that was deleted is restored first: without it a full disk would stop what runs already.
    const keptBytes = this.#markBytes + (this.#held ? 0 : this.#ballastBytes)
    const freeBytes = this.#freeBytes()
    if (freeBytes >= keptBytes || (this.#held && reusableBytes() >= this.#markBytes)) return
    const rest = `${Math.floor(freeBytes / 1024)} KiB free, ${Math.ceil(keptBytes / 1024)} KiB are kept for what runs already`
    throw new CarillonError('STORE_FULL', `${this.#folder}: ${rest}`)
  }

  /** Deletes the ballast; answers whether there was one. */
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
      // Another program has taken the space; the limit still holds, and the next call tries again.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }

  #freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#folder)
    return bavail * bsize
  }
}
