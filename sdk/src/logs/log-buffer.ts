import { LIMITS, type WorkMessage } from '@carillon/contracts'
import { Fifo } from '../fifo.ts'
import { type LogEntry, logLineText } from './log-line.ts'

/** Lines in a row; `dropped` were lost before the first of them. */
interface Segment {
  dropped: number
  lines: string[]
}

/** What one attempt wrote and is not sent yet. */
interface Stream {
  readonly work: WorkMessage
  readonly traceparent: string | undefined
  seq: number
  segments: Segment[]
}

/** Lines of one attempt, as one message. */
export interface LogBatch {
  readonly runId: string
  readonly traceparent: string | undefined
  readonly payload: string
  readonly lineCount: number
}

/** Keeps the lines of all attempts until they are sent: at most 10,000, counted with those on their way. What comes then is dropped and counted. */
export class LogBuffer {
  readonly #instance: string
  readonly #streams = new WeakMap<WorkMessage, Stream>()
  /** Those with something to send, each once; behind the first there may be some that have been sent as ended ones. */
  readonly #filled = new Fifo<Stream>()
  /** Those of them whose attempt has ended: they go first. */
  readonly #ended = new Fifo<Stream>()
  #lineCount = 0

  constructor(instance: string) {
    this.#instance = instance
  }

  /** Lines that wait or are on their way. */
  get lineCount(): number {
    return this.#lineCount
  }

  get isEmpty(): boolean {
    return this.#filled.size === 0
  }

  /** @returns whether the attempt has a full message now */
  add(work: WorkMessage, entry: LogEntry, origin: { atMs: number; traceparent: string | undefined }): boolean {
    let stream = this.#streams.get(work)
    if (!stream) {
      stream = { work, traceparent: origin.traceparent, seq: 0, segments: [] }
      this.#streams.set(work, stream)
    }
    if (stream.segments.length === 0) this.#filled.push(stream)
    stream.seq++
    let segment = stream.segments.at(-1)
    const isFull = this.#lineCount >= LIMITS.logBufferLines
    if (!segment || (isFull && segment.lines.length > 0)) {
      segment = { dropped: 0, lines: [] }
      stream.segments.push(segment)
    }
    if (isFull) {
      segment.dropped++
      return false
    }
    this.#lineCount++
    segment.lines.push(logLineText(entry, stream.seq, origin.atMs))
    return segment.lines.length >= LIMITS.logLinesPerMessage
  }

  /** The attempt logs no more: what it has logged need not wait for more lines. Answers how many lines it has logged. */
  end(work: WorkMessage): number {
    const stream = this.#streams.get(work)
    if (stream === undefined) return 0
    if (stream.segments.length > 0) this.#ended.push(stream)
    return stream.seq
  }

  /** Whether an attempt that has ended has something to send. */
  get hasEnded(): boolean {
    return this.#ended.size > 0
  }

  /** The next message, or undefined when nothing waits. Its lines count until `sent`. */
  take(maxBytes: number): LogBatch | undefined {
    const stream = this.#ended.peek() ?? this.#filled.peek()
    const segment = stream?.segments[0]
    if (!stream || !segment) return undefined
    const lines = segment.lines.splice(0, fitting(segment.lines, maxBytes))
    const { dropped } = segment
    segment.dropped = 0
    if (segment.lines.length === 0) stream.segments.shift()
    if (stream.segments.length === 0 && this.#ended.peek() === stream) this.#ended.shift()
    while (this.#filled.peek()?.segments.length === 0) this.#filled.shift()
    const { runId, taskId, attempt } = stream.work
    const head = `{"runId":"${runId}","taskId":"${taskId}","attempt":${attempt},"instance":"${this.#instance}"`
    const payload = `${head}${dropped > 0 ? `,"dropped":${dropped}` : ''},"lines":[${lines.join(',')}]}`
    return { runId, traceparent: stream.traceparent, payload, lineCount: lines.length }
  }

  sent(batch: LogBatch): void {
    this.#lineCount -= batch.lineCount
  }
}

const HEAD_BYTES = 512

function fitting(lines: readonly string[], maxBytes: number): number {
  let bytes = HEAD_BYTES
  let count = 0
  for (const line of lines.slice(0, LIMITS.logLinesPerMessage)) {
    bytes += Buffer.byteLength(line) + 1
    if (count > 0 && bytes > maxBytes) break
    count++
  }
  return count
}
