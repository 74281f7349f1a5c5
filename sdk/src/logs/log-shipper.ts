import { CarillonError, HEADERS, LIMITS, subjects, type WorkMessage } from '@carillon/contracts'
import { type Clock, jitter, pause, type Timer, within } from '@carillon/wire/internal'
import { ConfirmedPublisher, type LastMessage } from '../connection/confirmed-publisher.ts'
import type { Link } from '../connection/link.ts'
import type { OnWarning } from '../warning.ts'
import { LogBuffer } from './log-buffer.ts'
import type { LogEntry } from './log-line.ts'

export interface LogShipperOptions {
  readonly namespace: string
  readonly instance: string
  readonly clock: Clock
  readonly onWarning: OnWarning
  /** Opens a connection for logs alone: a flood of lines must not delay a heartbeat or an acknowledgement. */
  readonly open: () => Promise<Link>
}

/** A reader sees a line within 100 ms: half of that is for gathering. */
const GATHER_MS = 50
/** Lines of attempts that have ended: who follows the log has their end after about as long. Not at once: many short tasks would cost a write each. */
const GATHER_ENDED_MS = 10
const MESSAGES_ON_THEIR_WAY = 64
const HEADER_BYTES = 1_024
const LAST_BYTES = 8 * 1024 * 1024
const LONGEST_PAUSE_MS = 5_000

/** Sends log lines in batches, off the path of the tasks that write them. The first line opens its connection. */
export class LogShipper {
  readonly #options: LogShipperOptions
  readonly #buffer: LogBuffer
  readonly #closing = new AbortController()
  #opening: Promise<void> | undefined
  #link: Link | undefined
  #publisher: ConfirmedPublisher | undefined
  #timer: Timer | undefined
  #endedTimer: Timer | undefined
  #onIdle: () => void = () => undefined

  constructor(options: LogShipperOptions) {
    this.#options = options
    this.#buffer = new LogBuffer(options.instance)
  }

  /** Keep a line and return at once. */
  add(work: WorkMessage, entry: LogEntry, traceparent?: string): void {
    if (this.#closing.signal.aborted) return
    const isFull = this.#buffer.add(work, entry, { atMs: this.#options.clock.now(), traceparent })
    this.#opening ??= this.#open()
    if (isFull) this.#flush()
    else this.#timer ??= this.#options.clock.after(GATHER_MS, () => this.#flush())
  }

  /** The attempt has ended: its lines are sent soon. Answers how many it has logged, those that were dropped included. */
  end(work: WorkMessage): number {
    const logLines = this.#buffer.end(work)
    if (this.#buffer.hasEnded && !this.#closing.signal.aborted)
      this.#endedTimer ??= this.#options.clock.after(GATHER_ENDED_MS, this.#flushEnded)
    return logLines
  }

  /** What is not stored, for the end of the process; the newest lines are left out beyond 8 MiB. */
  unstored(): LastMessage[] {
    const messages = this.#publisher?.unconfirmed ?? []
    let bytes = 0
    for (let batch = this.#buffer.take(this.#maxBytes); batch && bytes < LAST_BYTES; batch = this.#buffer.take(this.#maxBytes)) {
      const { payload, traceparent } = batch
      const headers = traceparent === undefined ? [] : [[HEADERS.traceparent, traceparent] as const]
      messages.push({ subject: subjects.log(this.#options.namespace, batch.runId), payload, headers })
      bytes += payload.length
    }
    return messages
  }

  get #maxBytes(): number {
    return Math.min(LIMITS.messageBytes, this.#link?.server.maxPayload ?? LIMITS.messageBytes) - HEADER_BYTES
  }

  /** Send what is left, for at most `withinMs`, and close the connection. */
  async stop(withinMs: number): Promise<void> {
    if (!this.#isIdle) {
      const idle = new Promise<void>((resolve) => {
        this.#onIdle = resolve
      })
      this.#flush()
      await within(this.#options.clock, withinMs, idle)
    }
    this.#closing.abort()
    this.#timer?.cancel()
    this.#endedTimer?.cancel()
    this.#publisher?.stop()
    await this.#opening
    await this.#link?.close()
  }

  get #isIdle(): boolean {
    return this.#buffer.isEmpty && this.#buffer.lineCount === 0
  }

  async #open(): Promise<void> {
    const { clock, onWarning, open } = this.#options
    for (let tries = 1; !this.#closing.signal.aborted; tries++) {
      try {
        this.#link = await open()
        break
      } catch (error) {
        onWarning({ code: 'logs-delayed', message: `Log lines wait for a connection: ${CarillonError.from(error).message}` })
      }
      await pause(clock, jitter(Math.min(250 * 2 ** tries, LONGEST_PAUSE_MS)), this.#closing.signal)
    }
    if (!this.#link || this.#closing.signal.aborted) return
    const onDelay = (why: string) => onWarning({ code: 'logs-delayed', message: `Log lines are not taken and will be sent again: ${why}` })
    this.#publisher = new ConfirmedPublisher({ link: this.#link, clock, onDelay })
    this.#flush()
  }

  #flush(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#send({ endedOnly: false })
  }

  readonly #flushEnded = (): void => {
    this.#endedTimer = undefined
    this.#send({ endedOnly: true })
  }

  #send({ endedOnly }: { endedOnly: boolean }): void {
    const publisher = this.#publisher
    if (!publisher || !this.#link) return
    const maxBytes = this.#maxBytes
    while (publisher.size < MESSAGES_ON_THEIR_WAY && (!endedOnly || this.#buffer.hasEnded)) {
      const batch = this.#buffer.take(maxBytes)
      if (!batch) break
      const { payload, traceparent } = batch
      const onStored = () => {
        this.#buffer.sent(batch)
        if (this.#isIdle) this.#onIdle()
        // What a timer has released waits only while too many are on their way; the rest gathers until its timer.
        else if (!this.#timer) this.#send({ endedOnly: false })
        else if (!this.#endedTimer) this.#send({ endedOnly: true })
      }
      publisher.publish({ subject: subjects.log(this.#options.namespace, batch.runId), payload, traceparent, onStored })
    }
  }
}
