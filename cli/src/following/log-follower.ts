import { CALLS, LIMITS, type LogView } from '@carillon/contracts'
import type { Client } from '../client/client.ts'
import { pagesOf } from '../client/pages.ts'
import { pause } from '../clock.ts'
import { LogMerger } from './log-merger.ts'

/** An executor ships lines after at most 200 ms; the rest is the way here. */
const LATE_LINES_MS = 250
/** How long the logger may take to store what it has read. */
const LOGGER_LAG_MS = 1_500
const LAG_STEP_MS = 250

export interface LogListener {
  line(line: LogView): void
  /** That many lines are lost: the buffer of the executor was full. */
  missing(count: number): void
}

/** The log of one run as it grows: opened before the run starts, or later with what the logger has kept of it. */
export class LogFollower {
  readonly #client: Client
  readonly #runId: string
  readonly #listener: LogListener
  readonly #merger = new LogMerger()
  readonly #unsubscribe: () => void
  #lastCursor: string | undefined
  #filling: Promise<void> | undefined
  #heardSome = false

  /** Hears the lines that are published from the next call of `client` on. */
  constructor(client: Client, runId: string, listener: LogListener) {
    this.#client = client
    this.#runId = runId
    this.#listener = listener
    this.#unsubscribe = client.onLogs(runId, (line) => this.#hear(line))
  }

  /** Shows what the logger keeps and was not shown yet. */
  async readStored(): Promise<void> {
    const ask = (cursor: string | undefined) =>
      this.#client.call(CALLS.logsQuery, { runId: this.#runId, limit: LIMITS.pageSize, ...(cursor === undefined ? {} : { cursor }) })
    for await (const page of pagesOf(ask, this.#lastCursor)) {
      for (const line of page.items) this.#show(this.#merger.stored(line))
      this.#lastCursor = page.cursor
    }
  }

  /** The same for whom the log is not everything: false without a logger that answers; `doctor` says what is wrong with it. */
  catchUp(): Promise<boolean> {
    return this.readStored().then(
      () => true,
      () => false,
    )
  }

  /** The run has ended: waits for its last lines. @param wasThereFirst no line was published before we listened */
  async finish(wasThereFirst: boolean): Promise<void> {
    do this.#heardSome = false
    while ((await pause(LATE_LINES_MS)) && this.#heardSome)
    await this.#filling
    if (!wasThereFirst) await this.catchUp()
    this.#release()
    this.close()
  }

  close(): void {
    this.#unsubscribe()
  }

  #hear(line: LogView): void {
    this.#heardSome = true
    this.#show(this.#merger.heard(line))
    if (!this.#merger.hasGap) return
    this.#filling ??= this.#fillGap().finally(() => {
      this.#filling = undefined
    })
  }

  /** A line is missing, lost while the connection was away: the logger has it, or will have it soon. */
  async #fillGap(): Promise<void> {
    for (let waitedMs = 0; this.#merger.hasGap && waitedMs < LOGGER_LAG_MS; waitedMs += LAG_STEP_MS) {
      await pause(LAG_STEP_MS)
      if (!(await this.catchUp())) break
    }
    this.#release()
  }

  #release(): void {
    const { lines, missing } = this.#merger.release()
    if (missing > 0) this.#listener.missing(missing)
    this.#show(lines)
  }

  #show(lines: readonly LogView[]): void {
    for (const line of lines) this.#listener.line(line)
  }
}
