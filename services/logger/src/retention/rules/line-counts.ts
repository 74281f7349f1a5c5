import { LRUCache } from 'lru-cache'

/** A run whose lines are counted. */
export interface CountedRun {
  readonly namespace: string
  readonly runId: string
}

/**
 * How many lines each run got since it was trimmed last, so that only growing runs are examined. Too many runs evict the one that was
 * quiet the longest: its lines are then only limited by age.
 */
export class LineCounts {
  readonly #counts: LRUCache<string, CountedRun & { lines: number }>

  constructor(options: { maxRuns: number }) {
    this.#counts = new LRUCache({ max: options.maxRuns })
  }

  add(run: CountedRun, lines: number): void {
    const key = `${run.namespace}.${run.runId}`
    const before = this.#counts.get(key)?.lines ?? 0
    this.#counts.set(key, { namespace: run.namespace, runId: run.runId, lines: before + lines })
  }

  /** The runs that got at least so many lines, the most recently written first; their counts are reset. */
  takeGrown(least: number): CountedRun[] {
    const grown = [...this.#counts.entries()].filter(([, { lines }]) => lines >= least)
    for (const [key] of grown) this.#counts.delete(key)
    return grown.map(([, { namespace, runId }]) => ({ namespace, runId }))
  }
}
