import { type Clock, pause } from '@carillon/runtime'
import type { StreamSource } from './open-streams.ts'
import type { SseConnection } from './sse-connection.ts'

/** A message is announced a moment before the stream has stored it: it is looked for again after these times. */
const AGAIN_AFTER_MS = [10, 40, 160, 640] as const
/** A hint may be lost: what it was about is found then. */
const LONG_MS = 15_000

/** A stream whose messages are read at the pace of its reader: what is not taken yet stays where it is stored. */
export class PacedStream implements StreamSource {
  readonly #clock: Clock
  #connection: SseConnection | undefined
  #isClosed = false
  #hints = 0
  #hasGap = false
  #roomFor: (() => void) | undefined
  #waiting = new AbortController()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get isReady(): boolean {
    return this.#connection?.isReady === true
  }

  begin(connection: SseConnection): void {
    this.#connection = connection
  }

  ready(): void {
    this.#roomFor?.()
  }

  closed(): void {
    this.#isClosed = true
    this.#roomFor?.()
    this.#waiting.abort()
  }

  /** There is, or will be in a moment, something to read. */
  hint(): void {
    this.#hints++
    this.#waiting.abort()
  }

  /** The broker was away, and may have another stream of the same name now. */
  gap(): void {
    this.#hasGap = true
    this.hint()
  }

  /** Whether there was a gap since the last call. */
  takeGap(): boolean {
    const had = this.#hasGap
    this.#hasGap = false
    return had
  }

  /** Hints so far. */
  get hints(): number {
    return this.#hints
  }

  /** Waits until the reader takes the frame. @returns false: nobody reads any more */
  async send(frame: Buffer): Promise<boolean> {
    while (!this.#isClosed && !this.isReady)
      await new Promise<void>((resolve) => {
        this.#roomFor = resolve
      })
    this.#roomFor = undefined
    if (this.#isClosed) return false
    this.#connection?.send(frame)
    return true
  }

  end(frame: Buffer): void {
    this.#connection?.end(frame)
  }

  /** Waits for so long, or until a hint comes. @returns whether it was waited for all that time */
  async wait(ms: number): Promise<boolean> {
    this.#waiting = new AbortController()
    return !this.#isClosed && pause(this.#clock, ms, this.#waiting.signal)
  }

  /**
   * Waits for the next hint; what was announced before may not be stored yet, so it ends early several times.
   * @param seen hints before the last read
   * @param emptyReads since the last message or hint
   */
  async untilHint(seen: number, emptyReads: number): Promise<void> {
    if (this.#hints === seen) await this.wait((seen > 0 ? AGAIN_AFTER_MS[emptyReads - 1] : undefined) ?? LONG_MS)
  }
}
