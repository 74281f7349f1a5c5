import type { Clock } from '@carillon/runtime'
import type { RunHead, RunRecord } from '@carillon/store'
import { isWhole, onlyTask } from '../runs/rules/work.ts'

/** Of all that are remembered, with their payloads. Where more runs wait than that, the first to come are the ones remembered: they start first. */
const MOST_BYTES = 16 * 1024 * 1024
/** One with a larger payload is read when it starts. */
const LARGE_BYTES = 16 * 1024
/** What a run without payload takes in memory, about. */
const RUN_BYTES = 1_000
/** One that has not started by then was cancelled, was started by another coordinator, or waits for so long that a read does not matter. */
const REMEMBERED_MS = 60_000

interface Remembered {
  readonly run: RunRecord
  readonly bytes: number
  /** On the monotonic clock. */
  readonly at: number
}

/**
 * Waiting runs as this coordinator has just stored them: to start one it need not be read. They decide nothing: which runs wait, and in which order, is always
 * read from the store, and a write that is based on one that has changed since is refused.
 */
export class ArrivedRuns {
  readonly #clock: Clock
  readonly #runs = new Map<string, Remembered>()
  #bytes = 0

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  /** @param run one that is no whole record is not remembered */
  add(run: RunHead): void {
    const work = onlyTask(run)
    if (!isWhole(work)) return
    this.#remove(run.id)
    const at = this.#clock.monotonic()
    for (const [id, oldest] of this.#runs) {
      if (at - oldest.at < REMEMBERED_MS) break
      this.#remove(id)
    }
    const texts = work.run.payload.length + (work.run.items?.length ?? 0)
    const bytes = RUN_BYTES + 2 * texts
    if (texts > LARGE_BYTES || this.#bytes + bytes > MOST_BYTES) return
    this.#runs.set(run.id, { run: work.run, bytes, at })
    this.#bytes += bytes
  }

  /** The record of an arrival, once. */
  take({ id, gate, gateOrder }: Pick<RunHead, 'id' | 'gate' | 'gateOrder'>): RunRecord | undefined {
    const run = this.#remove(id)
    return run?.gate === gate && run.gateOrder === gateOrder ? run : undefined
  }

  #remove(id: string): RunRecord | undefined {
    const there = this.#runs.get(id)
    if (!there) return undefined
    this.#runs.delete(id)
    this.#bytes -= there.bytes
    return there.run
  }
}
