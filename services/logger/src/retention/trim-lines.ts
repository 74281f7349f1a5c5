import { pause } from '@carillon/runtime'
import type { LoggerParts } from '../parts.ts'

type Parts = Pick<LoggerParts, 'store' | 'counts' | 'clock' | 'retentionMs' | 'linesPerRun'>

/** Lines removed in one store write: other work runs in between. */
const PAGE = 1_000
const BETWEEN_PAGES_MS = 10
/** A run is trimmed again after this share of its limit in new lines, so it may exceed the limit by as much for each logger. */
const GROWN_SHARE = 0.01

/** Removes lines that are too old, then those beyond a run's limit, of runs that got lines recently. */
export class TrimLines {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Answers how many were removed. */
  async execute(signal: AbortSignal): Promise<{ old: number; beyondLimit: number }> {
    const { store, counts, clock, retentionMs, linesPerRun } = this.#parts
    const before = clock.now() - retentionMs
    const old = await this.#inPages(() => store.logs.removeOlder({ before, limit: PAGE }), signal)
    let beyondLimit = 0
    for (const run of counts.takeGrown(Math.ceil(linesPerRun * GROWN_SHARE)))
      beyondLimit += await this.#inPages(() => store.logs.trim({ ...run, keep: linesPerRun, limit: PAGE }), signal)
    return { old, beyondLimit }
  }

  async #inPages(remove: () => Promise<number>, signal: AbortSignal): Promise<number> {
    let all = 0
    for (let removed = PAGE; removed === PAGE && (await pause(this.#parts.clock, BETWEEN_PAGES_MS, signal)); all += removed)
      removed = await remove()
    return all
  }
}
