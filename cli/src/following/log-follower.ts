import { CALLS, LIMITS, type LogView, type RunEndedEvent, type RunView } from '@carillon/contracts'
import type { Client } from '../client/client.ts'
import { pagesOf } from '../client/pages.ts'
import { now, pause } from '../clock.ts'
import { LogMerger } from './log-merger.ts'

/** An executor ships lines after at most 200 ms; the rest is the way here. */
const LATE_LINES_MS = 250
/** After this nothing is late any more, whatever the clocks of two machines differ by. */
const LONG_OVER_MS = 60_000
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
  readonly #stops: (() => void)[]
  #end: RunEndedEvent | undefined
  #lastCursor: string | undefined
  #filling: Promise<void> | undefined
  #news = new AbortController()

  /** Hears the lines that are published from the next call of `client` on. */
  constructor(client: Client, runId: string, listener: LogListener) {
    this.#client = client
    this.#runId = runId
    this.#listener = listener
    this.#stops = [
      client.onLogs(runId, (line) => this.#hear(line)),
      client.onRunEnd(runId, (event) => {
        this.#end = event
        this.#news.abort()
      }),
    ]
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

  /**
   * The run has ended: waits for its last lines, no longer than until all of them are there, if it is known how many there are.
   * @param wasThereFirst no line was published before we listened
   */
  async finish(run: RunView, wasThereFirst: boolean): Promise<void> {
    do this.#news = new AbortController()
    while (this.#isOpen(run) && !isLongOver(run) && !(await pause(LATE_LINES_MS, this.#news.signal)))
    await this.#filling
    if (this.#isOpen(run)) {
      if (this.#logLinesOf(run) !== undefined) await this.#askLogger(() => this.#isOpen(run))
      else if (!wasThereFirst) await this.catchUp()
    }
    this.#release()
    this.close()
  }

  /** Whether there may be lines that were not shown yet. */
  #isOpen(run: RunView): boolean {
    const { runId: taskId, attempt, instance = '' } = run
    return this.#merger.settledUpTo({ taskId, attempt, instance }) < (this.#logLinesOf(run) ?? Number.POSITIVE_INFINITY)
  }

  /** How many lines there are. Not known of a run with earlier attempts: their lines may be as late. */
  #logLinesOf({ attempt }: RunView): number | undefined {
    return attempt === 1 && this.#end?.attempt === 1 ? this.#end.logLines : undefined
  }

  close(): void {
    for (const stop of this.#stops) stop()
  }

  #hear(line: LogView): void {
    this.#news.abort()
    this.#show(this.#merger.heard(line))
    if (!this.#merger.hasGap) return
    this.#filling ??= this.#fillGap().finally(() => {
      this.#filling = undefined
    })
  }

  async #fillGap(): Promise<void> {
    await this.#askLogger(() => this.#merger.hasGap)
    this.#release()
  }

  /** Lines are missing, lost while the connection was away: the logger has them, or will have them soon. */
  async #askLogger(isMissing: () => boolean): Promise<void> {
    for (let waitedMs = 0; isMissing() && waitedMs < LOGGER_LAG_MS; waitedMs += LAG_STEP_MS) {
      await pause(LAG_STEP_MS)
      if (!(await this.catchUp())) break
    }
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

const isLongOver = ({ endedAt }: RunView) => endedAt !== undefined && now() - Date.parse(endedAt) > LONG_OVER_MS
