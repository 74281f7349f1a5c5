import { LIMITS } from '@carillon/contracts'
import type { LoopClock } from '@carillon/wire/internal'
import { ConfirmedPublisher, type LastMessage } from '../connection/confirmed-publisher.ts'
import type { Link } from '../connection/link.ts'
import type { OnWarning } from '../warning.ts'
import { batchEnd, type QueuedReport } from './report-batch.ts'

export interface ReporterOptions {
  readonly link: Link
  readonly clock: LoopClock
  readonly subject: string
  readonly onWarning: OnWarning
  /** No stream stores reports: it may be gone. */
  readonly onStreamMissing: () => void
}

/** Room for headers and the brackets of a list. */
const FRAME_BYTES = 2_048

/**
 * Sends reports: what ended in one turn of the event loop travels in one message. A task that has ended must not run again, so a report is
 * sent until the broker has stored it, and only then `onStored` is called.
 */
export class Reporter {
  readonly #options: ReporterOptions
  readonly #publisher: ConfirmedPublisher
  #queue: QueuedReport[] = []
  #isFlushDue = false
  #onIdle: (() => void)[] = []

  constructor(options: ReporterOptions) {
    const { link, clock, onWarning, onStreamMissing } = options
    this.#options = options
    const onDelay = (why: string) => onWarning({ code: 'report-delayed', message: `Reports are not taken and will be sent again: ${why}` })
    this.#publisher = new ConfirmedPublisher({ link, clock, onDelay, onStreamMissing })
  }

  /** Bytes that one report may have. */
  get maxBytes(): number {
    return Math.min(LIMITS.messageBytes, this.#options.link.server.maxPayload) - FRAME_BYTES
  }

  /** @param onStored called when the broker has it for good */
  report(text: string, onStored?: () => void): void {
    this.#queue.push({ text, onStored })
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    this.#options.clock.nextTurn(() => this.#flush())
  }

  /** Resolves when every report so far is stored. */
  idle(): Promise<void> {
    return new Promise((resolve) => this.whenIdle(resolve))
  }

  /** Calls back when every report so far is stored. */
  whenIdle(action: () => void): void {
    if (this.isIdle) action()
    else this.#onIdle.push(action)
  }

  /** What is not stored, for the end of the process. */
  unstored(): LastMessage[] {
    this.#flush()
    return this.#publisher.unconfirmed
  }

  /** Drop what is not stored: the broker will redeliver that work. */
  stop(): void {
    this.#publisher.stop()
    this.#queue = []
    this.#settleIdle()
  }

  /** Every report so far is stored. */
  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#publisher.size === 0
  }

  #settleIdle(): void {
    if (this.isIdle) for (const resolve of this.#onIdle.splice(0)) resolve()
  }

  #flush(): void {
    this.#isFlushDue = false
    const queue = this.#queue
    this.#queue = []
    for (let from = 0; from < queue.length; ) {
      const to = batchEnd(queue, from, this.maxBytes)
      this.#publish(queue.slice(from, to))
      from = to
    }
  }

  #publish(reports: readonly QueuedReport[]): void {
    const [first] = reports as [QueuedReport]
    const payload = reports.length === 1 ? first.text : `[${reports.map((report) => report.text).join(',')}]`
    const onStored = () => {
      for (const report of reports) report.onStored?.()
      this.#settleIdle()
    }
    this.#publisher.publish({ subject: this.#options.subject, payload, onStored })
  }
}
