import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RollupLevel, RollupSum, Store } from '@carillon/store'
import { LRUCache } from 'lru-cache'
import { WIDTHS } from './rules/intervals.ts'
import type { Mark } from './rules/mark.ts'
import { addSums } from './rules/sums.ts'

/** Jobs that are ranked: more than any mesh should have. */
const RANKED_AT_MOST = 10_000
/** Sums of one job in one interval that are kept, of 150 bytes each: those of a thousand jobs on all days of three months. */
const SUMS_KEPT = 100_000
/** An end may be counted late, such as of a run whose event a broker had refused for a while. */
const KEPT_MS = 600_000
/** Intervals that are over for so long do not change any more, as a rule. */
const SETTLED_MS = 60_000
/** Intervals that are read at a time: an engine has few cores. */
const READ_AT_ONCE = 4

interface Stretch {
  readonly namespace: string
  readonly level: RollupLevel
  readonly from: number
  readonly before: number
}

/**
 * How much each job has done in a stretch of time, added up. A month of a thousand jobs is 30,000 documents, which take an engine up to a second: those of
 * intervals that are over are kept here for some minutes.
 */
export class RankedSums {
  readonly #stats: Store['stats']
  readonly #kept = new LRUCache<string, readonly RollupSum[]>({ maxSize: SUMS_KEPT, ttl: KEPT_MS })

  constructor(options: { store: Pick<Store, 'stats'> }) {
    this.#stats = options.store.stats
  }

  /** @param mark how far ends are counted */
  async of(stretch: Stretch, mark: Mark | undefined): Promise<RollupSum[]> {
    const width = WIDTHS[stretch.level]
    const starts: number[] = []
    for (let start = stretch.from; start < stretch.before; start += width) starts.push(start)
    const intervals: (readonly RollupSum[])[] = []
    for (let i = 0; i < starts.length; i += READ_AT_ONCE) {
      const some = starts.slice(i, i + READ_AT_ONCE).map((start) => this.#interval({ ...stretch, from: start }, mark))
      intervals.push(...(await Promise.all(some)))
      // SQLite reads on this thread.
      await nextTurn()
    }
    return addSums(intervals)
  }

  async #interval({ namespace, level, from }: Stretch, mark: Mark | undefined): Promise<readonly RollupSum[]> {
    const before = from + WIDTHS[level]
    const isOver = mark !== undefined && !mark.isOwed && before + SETTLED_MS < mark.at
    // Where the broker has lost events, what is over was counted again: another number follows.
    const key = `${namespace}/${level}/${from}/${mark?.stream}`
    const kept = isOver ? this.#kept.get(key) : undefined
    if (kept) return kept
    const sums = await this.#stats.sums({ namespace, level, from, before, limit: RANKED_AT_MOST })
    if (isOver) this.#kept.set(key, sums, { size: sums.length + 1 })
    return sums
  }
}
