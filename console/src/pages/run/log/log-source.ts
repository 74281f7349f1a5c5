import { makeCall } from '../../../api/call.ts'
import type { StreamMessage } from '../../../stream/rules.ts'
import { type Line, LogBuffer } from './log-buffer.ts'
import { accepts, type LineFilter } from './log-text.ts'

export interface LogSourceOptions {
  readonly namespace: string
  readonly runId: string
  readonly filter: LineFilter
}

const PAGE = 1_000
/** How far back a resync looks for the last line that was known. Beyond that, all is read again. */
const RESYNC_PAGES = 20
/** Loggers store lines a little after they are published, under load some seconds: what was on its way is read later. */
const AGAIN_AFTER_MS = [2_000, 8_000, 20_000]

interface LogBody {
  readonly taskId: string
  readonly attempt: number
  readonly instance: string
  readonly dropped?: number
  readonly lines: readonly Pick<Line, 'at' | 'level' | 'message' | 'fields' | 'seq'>[]
}

/** What is shown of the log of a run: what the logger has, then what comes. Tells of changes at most once a frame. */
export class LogSource {
  readonly buffer = new LogBuffer()
  readonly #options: LogSourceOptions
  readonly #listeners = new Set<() => void>()
  #abort = new AbortController()
  #frame: number | undefined
  #reading: Promise<void> | undefined
  /** Of what it shows, as one value: another one after each change that was told. */
  #snapshot = { version: 0, isComplete: false, error: undefined as Error | undefined }
  #next = this.#snapshot

  constructor(options: LogSourceOptions) {
    this.#options = options
  }

  get snapshot(): { readonly version: number; readonly isComplete: boolean; readonly error: Error | undefined } {
    return this.#snapshot
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  start(): void {
    this.#abort = new AbortController()
    this.#read(() => this.#readAll())
  }

  stop(): void {
    this.#abort.abort()
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame)
  }

  /** Lines may have been missed since the last one that is known. Those that come meanwhile say nothing of those before. */
  resync(): void {
    const last = this.buffer.lines.findLast(({ seq }) => seq > 0)
    const read = () => this.#read(() => (this.#next.isComplete && last !== undefined ? this.#readBack(last) : this.#readAll()))
    read()
    for (const afterMs of AGAIN_AFTER_MS) {
      const timer = window.setTimeout(read, afterMs)
      this.#abort.signal.addEventListener('abort', () => window.clearTimeout(timer), { once: true })
    }
  }

  take({ event, body }: StreamMessage): void {
    if (event !== 'log') return
    const { taskId, attempt, instance, lines, dropped = 0 } = body as unknown as LogBody
    const given = lines.map((line) => ({ ...line, taskId, attempt, instance }))
    const first = given[0]
    // The number is what was lost before the first line; it has no place of its own in the order.
    const mark =
      first !== undefined && dropped > 0 ? [{ ...first, seq: -first.seq, level: 'warn' as const, message: '', fields: { dropped } }] : []
    if (this.buffer.add([...mark, ...given].filter((line) => accepts(this.#options.filter, line))) > 0) this.#changed({})
  }

  #read(how: () => Promise<void>): void {
    const run = async () => {
      try {
        await how()
        this.#changed({ isComplete: true, error: undefined })
      } catch (error) {
        if (!this.#abort.signal.aborted) this.#changed({ error: error as Error })
      }
    }
    this.#reading = (this.#reading ?? Promise.resolve()).then(run)
  }

  async #readAll(): Promise<void> {
    let cursor: string | undefined
    do {
      const page = await this.#page('oldest', cursor)
      if (this.buffer.add(page.items) > 0) this.#changed({})
      cursor = page.next
    } while (cursor !== undefined)
  }

  /** Back from the end to a line that is known. */
  async #readBack(last: Line): Promise<void> {
    let cursor: string | undefined
    for (let i = 0; i < RESYNC_PAGES; i++) {
      const page = await this.#page('newest', cursor)
      if (this.buffer.add(page.items) > 0) this.#changed({})
      cursor = page.next
      const isThere = page.items.some(({ taskId, attempt, seq }) => taskId === last.taskId && attempt === last.attempt && seq === last.seq)
      if (isThere || cursor === undefined) return
    }
    await this.#readAll()
  }

  #page(order: 'oldest' | 'newest', cursor: string | undefined) {
    const { namespace, runId, filter } = this.#options
    const { level, text } = filter
    const filters = { ...(level === 'debug' ? {} : { level }), ...(text === '' ? {} : { text }) }
    const input = { runId, order, limit: PAGE, ...filters, ...(cursor === undefined ? {} : { cursor }) }
    return makeCall('logsQuery', input, { namespace, signal: this.#abort.signal })
  }

  #changed(change: { isComplete?: boolean; error?: Error | undefined }): void {
    this.#next = { ...this.#next, ...change, version: this.#next.version + 1 }
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined
      this.#snapshot = this.#next
      for (const listener of this.#listeners) listener()
    })
  }
}
