import { closeSync, existsSync, fdatasync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { CarillonError } from '@carillon/contracts'
import { unusable } from './outbox-errors.ts'
import { recordOf } from './records.ts'

const flush = promisify(fdatasync)

/** The file that a process appends to. What it has answered is with the system: it outlives the process, and with `fsync` the machine, too. */
export class OutboxFile {
  readonly path: string
  readonly #fd: number
  readonly #maxBytes: number
  readonly #fsync: boolean
  #size = 0
  #flushing: Promise<void> | undefined
  #nextFlush: Promise<void> | undefined

  /** @throws CarillonError OUTBOX_UNUSABLE */
  constructor(path: string, { maxBytes, fsync }: { maxBytes: number; fsync: boolean }) {
    this.path = path
    this.#maxBytes = maxBytes
    this.#fsync = fsync
    try {
      this.#fd = openSync(path, 'wx+', 0o600)
    } catch (error) {
      throw unusable(path, error)
    }
  }

  /** Bytes of whole records. */
  get size(): number {
    return this.#size
  }

  /** Whether it is still where it was made. */
  get isThere(): boolean {
    return existsSync(this.path)
  }

  /** What it has, if it was removed, not moved: only this process can read it still. */
  get lost(): Buffer | undefined {
    if (this.#size === 0 || fstatSync(this.#fd).nlink > 0) return undefined
    const content = Buffer.alloc(this.#size)
    return content.subarray(0, readSync(this.#fd, content, 0, content.length, 0))
  }

  /** @throws CarillonError OUTBOX_FULL, OUTBOX_UNUSABLE; then nothing of it is kept */
  append(text: string): Promise<void> {
    return this.write(recordOf(text))
  }

  /** Whole records. @throws CarillonError as `append` */
  async write(record: Buffer): Promise<void> {
    if (this.#size + record.length > this.#maxBytes)
      throw full(this.path, { size: this.#size, more: record.length, maxBytes: this.#maxBytes })
    const before = this.#size
    try {
      for (let done = 0; done < record.length; ) done += writeSync(this.#fd, record, done, record.length - done, before + done)
    } catch (error) {
      this.#cut(before)
      throw unusable(this.path, error)
    }
    this.#size += record.length
    if (this.#fsync) await this.#flushed()
  }

  /** All of it has been stored elsewhere. */
  clear(): void {
    this.#cut(0)
    this.#size = 0
  }

  async close(): Promise<void> {
    await (this.#nextFlush ?? this.#flushing)?.catch(() => undefined)
    closeSync(this.#fd)
  }

  /** The next append writes over what could not be cut. */
  #cut(size: number): void {
    try {
      ftruncateSync(this.#fd, size)
    } catch (error) {
      throw unusable(this.path, error)
    }
  }

  /** What is appended while one flush is under way shares the next one. */
  #flushed(): Promise<void> {
    if (this.#nextFlush) return this.#nextFlush
    const flushNow = async () => {
      await this.#flushing?.catch(() => undefined)
      this.#flushing = this.#nextFlush
      this.#nextFlush = undefined
      try {
        await flush(this.#fd)
      } catch (error) {
        throw unusable(this.path, error)
      }
    }
    this.#nextFlush = flushNow()
    return this.#nextFlush
  }
}

function full(path: string, { size, more, maxBytes }: { size: number; more: number; maxBytes: number }): CarillonError {
  return new CarillonError('OUTBOX_FULL', `${path} has ${size} bytes, ${more} more do not fit into ${maxBytes}`, {
    field: 'outbox.maxBytes',
    value: String(maxBytes),
  })
}
