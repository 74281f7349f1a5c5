import { setImmediate as nextTurn } from 'node:timers/promises'
import { isEnded } from '@carillon/contracts'
import type { RollupLevel, Store } from '@carillon/store'
import { groupEnds, type RollupPlace } from './rules/group-ends.ts'
import { startOf } from './rules/intervals.ts'
import type { Mark } from './rules/mark.ts'
import { COARSER, coarserPlace, factsOfRun, isBeyond, recounted, stretchOf } from './rules/recount.ts'
import { addValues, emptyTally, type Tally } from './rules/rollup.ts'

/** Runs that are read at once. */
const RUNS_AT_ONCE = 1_000
/** To read so many from SQLite, or to write them, takes the thread that also starts runs for some milliseconds. */
const DOCUMENTS_AT_ONCE = 100
/** Ends before the mark whose event may have come after it. */
const LATE_MS = 60_000
/** A run may have been created by a clock that is ahead. */
const CLOCKS_DIFFER_MS = 10_000
/** Another coordinator recounts, too. */
const TRIES = 5

interface Recounted {
  readonly place: RollupPlace
  readonly tally: Tally
}

type Fence = Pick<Mark, 'stream' | 'upTo'>

/**
 * Counts from the runs that are stored what ended since the mark, where the events of these ends may be lost. All runs are read: no index has them by their end, as
 * each run would have to pay for it. Documents that miss ends are replaced, minutes first, then what adds them up, so it may be done again until it is done: then
 * events are counted in the documents, and a sum of some that have these and some that have not would be counted twice.
 */
export class RecountEnds {
  readonly #store: Pick<Store, 'stats' | 'runs' | 'retention'>

  constructor(options: { store: Pick<Store, 'stats' | 'runs' | 'retention'> }) {
    this.#store = options.store
  }

  /**
   * What ended from the mark on, and before `mark.since`.
   * @returns how many ends that were; undefined: another coordinator has recounted them, and counts events by now
   */
  async execute(mark: Mark, signal: AbortSignal): Promise<number | undefined> {
    const fence: Fence = { stream: mark.stream, upTo: mark.upTo }
    const { minutes, count } = await this.#minutes(mark, signal)
    let finer = minutes
    for (let level: RollupLevel | undefined = 'minute'; level !== undefined && !signal.aborted; level = COARSER[level]) {
      if (!(await this.#write(finer, fence))) return undefined
      const coarser = COARSER[level]
      if (coarser === undefined) break
      const added = await this.#added(finer, { level, coarser, fence })
      if (added === undefined) return undefined
      finer = added
    }
    return count
  }

  /** The minutes since the mark, counted. */
  async #minutes(mark: Mark, signal: AbortSignal): Promise<{ minutes: Recounted[]; count: number }> {
    const from = startOf('minute', mark.at - LATE_MS)
    const minutes = new Map<string, Recounted>()
    let count = 0
    const { retention } = this.#store
    for (let namespace = await retention.nextNamespace(''); namespace !== undefined; namespace = await retention.nextNamespace(namespace)) {
      let cursor: string | undefined
      do {
        const query = { namespace, createdBefore: mark.since + CLOCKS_DIFFER_MS, cursor, limit: RUNS_AT_ONCE }
        const page = await retention.runs(query)
        const ended = page.items.filter(
          ({ state, endedAt }) => isEnded(state) && endedAt !== null && endedAt >= from && endedAt < mark.since,
        )
        count += await this.#add(
          minutes,
          ended.map(({ id }) => id),
        )
        cursor = page.cursor
        // SQLite reads on this thread.
        await nextTurn()
      } while (cursor !== undefined && !signal.aborted)
    }
    return { minutes: [...minutes.values()], count }
  }

  async #add(minutes: Map<string, Recounted>, ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0
    const ends = (await this.#store.runs.heads(ids)).filter((run) => run !== undefined).flatMap((run) => factsOfRun(run) ?? [])
    for (const { place, tally } of groupEnds(ends)) {
      if (place.level !== 'minute') continue
      const known = minutes.get(place.id)
      if (known) addValues(known.tally, tally)
      else minutes.set(place.id, { place, tally })
    }
    return ends.length
  }

  /** What contains these, added up from all that it contains; undefined: some of that counts events behind the fence. */
  async #added(
    finer: readonly Recounted[],
    { level, coarser, fence }: { level: RollupLevel; coarser: RollupLevel; fence: Fence },
  ): Promise<Recounted[] | undefined> {
    const places = new Map(finer.map(({ place }) => coarserPlace(coarser, place)).map((place) => [place.id, place]))
    const added: Recounted[] = []
    for (const place of places.values()) {
      const { namespace, scope } = place
      const tally = emptyTally()
      for (const stored of await this.#store.stats.series({ namespace, scope, level, ...stretchOf(place) })) {
        if (isBeyond(stored, fence)) return undefined
        addValues(tally, stored.values)
      }
      added.push({ place, tally })
      if (added.length % DOCUMENTS_AT_ONCE === 0) await nextTurn()
    }
    return added
  }

  /** Answers false where one of them counts events behind the fence. */
  async #write(all: readonly Recounted[], fence: Fence): Promise<boolean> {
    const { stats } = this.#store
    let left = all
    for (let tries = 0; left.length > 0; tries++) {
      if (tries === TRIES) throw new Error('another coordinator counts at the same time')
      const refused: Recounted[] = []
      for (let i = 0; i < left.length; i += DOCUMENTS_AT_ONCE) {
        const part = left.slice(i, i + DOCUMENTS_AT_ONCE)
        const stored = await stats.get(part.map(({ place }) => place.id))
        if (stored.some((one) => one !== undefined && isBeyond(one, fence))) return false
        const changes = part.flatMap((one, at) => {
          const rollup = recounted(stored[at], { ...one, fence })
          return rollup ? [{ one, change: { rollup, expect: stored[at]?.revision ?? null } }] : []
        })
        const outcomes = await stats.put(changes.map(({ change }) => change))
        refused.push(...changes.filter((_, at) => outcomes[at] !== 'applied').map(({ one }) => one))
        await nextTurn()
      }
      left = refused
    }
    return true
  }
}
