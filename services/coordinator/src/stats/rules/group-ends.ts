import { type ChangeValue, type RollupLevel, type RollupRecord, rollupId } from '@carillon/store'
import { startOf } from './intervals.ts'
import { addEnd, addValues, type ChangeFacts, changeKey, columnsOf, type EndedFacts, emptyTally, type Tally } from './rollup.ts'

/** The place of one document. */
export type RollupPlace = Pick<RollupRecord, 'id' | 'namespace' | 'scope' | 'level' | 'start'> & { readonly level: RollupLevel }

/** The ends of one batch that belong to one document. */
export interface EndsOfPlace {
  readonly place: RollupPlace
  /** All of them, counted. */
  readonly tally: Tally
  /** One by one, in lists; undefined: only their sum is known. */
  readonly parts: (readonly EndedFacts[])[] | undefined
}

/** A stretch of the stream. */
export interface Stretch {
  /** When the stream was made. */
  readonly stream: number
  /** The first sequence that was read, and the last. */
  readonly from: number
  readonly upTo: number
}

export const EVERYTHING = '*'

/** What runs without a job are counted under is their handler. */
const scopeOf = ({ job, handler }: Pick<EndedFacts, 'job' | 'handler'>) => (job === null ? `handler:${handler}` : `job:${job}`)

export function placeOf(level: RollupLevel, { namespace, scope, at }: { namespace: string; scope: string; at: number }): RollupPlace {
  const start = startOf(level, at)
  return { id: rollupId({ namespace, scope, level, start }), namespace, scope, level, start }
}

/** The ends of one minute and of one job or handler. */
interface MinuteCount {
  readonly namespace: string
  readonly scope: string
  /** When the minute begins. */
  readonly start: number
  readonly tally: Tally
}

/** Ends that are counted as they come, in the minute of their job or handler: what is wider is the sum of these. */
export class MinuteCounts {
  readonly #minutes = new Map<string, MinuteCount>()
  /** Where the end before was counted, and probably the next one is. */
  #last: { readonly namespace: string; readonly job: string | null; readonly handler: string; readonly minute: MinuteCount } | undefined
  /** The first of all times. */
  earliestAt = Number.POSITIVE_INFINITY

  /** How many minutes of jobs and handlers. */
  get size(): number {
    return this.#minutes.size
  }

  /** @returns where it was counted */
  add(end: EndedFacts): MinuteCount {
    const minute = this.#minuteOf(end)
    addEnd(minute.tally, end)
    if (end.at < this.earliestAt) this.earliestAt = end.at
    return minute
  }

  #minuteOf({ namespace, job, handler, at }: EndedFacts): MinuteCount {
    const start = startOf('minute', at)
    const last = this.#last
    if (last?.job === job && last.handler === handler && last.namespace === namespace && last.minute.start === start) return last.minute
    const scope = scopeOf({ job, handler })
    const key = `${namespace} ${scope} ${start}`
    let minute = this.#minutes.get(key)
    if (minute === undefined) {
      minute = { namespace, scope, start, tally: emptyTally() }
      this.#minutes.set(key, minute)
    }
    this.#last = { namespace, job, handler, minute }
    return minute
  }

  /**
   * By the documents that keep them: of each of the levels that of everything, and that of the job.
   * @param options.endsOf the ends of a minute one by one, where they are known
   */
  groups({
    changes = [],
    endsOf,
  }: {
    changes?: readonly ChangeFacts[]
    endsOf?: (minute: MinuteCount) => readonly EndedFacts[]
  } = {}): EndsOfPlace[] {
    const minutes = new Map<string, EndsOfPlace>()
    const groupIn = (groups: Map<string, EndsOfPlace>, place: RollupPlace) => {
      const group = groups.get(place.id) ?? { place, tally: emptyTally(), parts: endsOf && [] }
      groups.set(place.id, group)
      return group
    }
    const addTo = (group: EndsOfPlace, { tally, parts = [] }: Pick<EndsOfPlace, 'tally' | 'parts'>) => {
      addValues(group.tally, tally)
      for (const ends of parts) group.parts?.push(ends)
    }
    for (const minute of this.#minutes.values()) {
      const counted = { tally: minute.tally, parts: endsOf && [endsOf(minute)] }
      const { namespace, scope, start: at } = minute
      for (const each of [scope, EVERYTHING]) addTo(groupIn(minutes, placeOf('minute', { namespace, scope: each, at })), counted)
    }
    for (const { namespace, change } of changes)
      addChange(groupIn(minutes, placeOf('minute', { namespace, scope: EVERYTHING, at: change.at })).tally, change)
    const coarser = new Map<string, EndsOfPlace>()
    for (const level of ['quarter', 'hour', 'day'] as const)
      for (const minute of minutes.values()) addTo(groupIn(coarser, placeOf(level, { ...minute.place, at: minute.place.start })), minute)
    // Of the job in its day alone: where a hundred thousand jobs are put, each has one document more, and no run may ever follow.
    for (const { namespace, job, change } of changes)
      addChange(groupIn(coarser, placeOf('day', { namespace, scope: `job:${job}`, at: change.at })).tally, change)
    return [...minutes.values(), ...coarser.values()]
  }
}

/** Ends and changes by the documents that keep them. */
export function groupEnds(ends: readonly EndedFacts[], changes: readonly ChangeFacts[] = []): EndsOfPlace[] {
  const counts = new MinuteCounts()
  const lists = new Map<MinuteCount, EndedFacts[]>()
  for (const end of ends) {
    const minute = counts.add(end)
    const list = lists.get(minute)
    if (list) list.push(end)
    else lists.set(minute, [end])
  }
  return counts.groups({ changes, endsOf: (minute) => lists.get(minute) ?? [] })
}

const addChange = (tally: Tally, change: ChangeValue) => addValues(tally, { ...emptyTally(), changes: { [changeKey(change)]: change } })

/**
 * The document with a batch counted in it; undefined: it counts all of that already. Its fence decides: what it includes it never counts again, whatever was
 * redelivered, or read by another process at the same time.
 * @returns `split`: it counts a part, and only the sum of the batch is known; `stale`: the stream has lost events since the batch was read, so that its ends
 *   were counted from the runs
 */
export function counted(
  stored: RollupRecord | undefined,
  group: EndsOfPlace,
  stretch: Stretch,
): RollupRecord | 'split' | 'stale' | undefined {
  if (stored !== undefined && stored.stream > stretch.stream) return 'stale'
  // Sequences of another stream say nothing about those of this one.
  const fence = stored?.stream === stretch.stream ? stored.upTo : 0
  if (fence >= stretch.upTo) return undefined
  if (fence >= stretch.from && group.parts === undefined) return 'split'
  const tally = emptyTally()
  if (stored) addValues(tally, stored.values)
  if (fence < stretch.from) addValues(tally, group.tally)
  else {
    for (const ends of group.parts ?? []) for (const end of ends) if (end.sequence > fence) addEnd(tally, end)
    // Changes are known by what they are.
    addValues(tally, { ...emptyTally(), ...(group.tally.changes ? { changes: group.tally.changes } : {}) })
  }
  return recordOf(group.place, tally, { stream: stretch.stream, upTo: stretch.upTo, revision: (stored?.revision ?? 0) + 1 })
}

export const recordOf = (place: RollupPlace, tally: Tally, fence: Pick<RollupRecord, 'stream' | 'upTo' | 'revision'>): RollupRecord => ({
  ...place,
  ...fence,
  ...columnsOf(tally),
  values: tally,
})
