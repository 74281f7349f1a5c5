import type { Clock } from '@carillon/runtime'
import type { Reports } from '../ports.ts'

/** Below the deadline of a call: the caller gets an answer that it has to repeat the call. */
const WITHIN_MS = 3_000
/** Reports that are not applied for so long are not waited for any more: one of them may be stuck. */
const GIVE_UP_AFTER_MS = 25_000
const NEVER = new AbortController().signal

/** Waits for the reports that are in the stream. Callers that arrive before a request to the broker is sent share it. */
export class ReportBarrier {
  readonly #reports: Reports
  readonly #clock: Clock
  readonly #giveUpAfterMs: number
  #current: Promise<boolean> | undefined
  #next: Promise<boolean> | undefined
  #closedSince: number | undefined

  /** @param options.givesUp whether it lets callers pass at last. Default true */
  constructor(options: { reports: Reports; clock: Clock; givesUp?: boolean }) {
    this.#giveUpAfterMs = options.givesUp === false ? Number.POSITIVE_INFINITY : GIVE_UP_AFTER_MS
    this.#reports = options.reports
    this.#clock = options.clock
  }

  /** False: some are not applied yet. */
  passed(): Promise<boolean> {
    this.#next ??= this.#ask(this.#current)
    return this.#next
  }

  async #ask(before: Promise<boolean> | undefined): Promise<boolean> {
    await before?.catch(() => undefined)
    this.#current = this.#next
    this.#next = undefined
    if (await this.#reports.reportsApplied(NEVER, WITHIN_MS)) {
      this.#closedSince = undefined
      return true
    }
    const now = this.#clock.monotonic()
    this.#closedSince ??= now
    return now - this.#closedSince > this.#giveUpAfterMs
  }
}
