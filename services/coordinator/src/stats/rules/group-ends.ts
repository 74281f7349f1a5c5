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
const COARSER_LEVELS = ['quarter', 'hour', 'day'] as const
const LEVELS = ['minute', ...COARSER_LEVELS] as const

/** What runs without a job are counted under is their handler. */
const scopeOf = ({ job, handler }: Pick<EndedFacts, 'job' | 'handler'>) => (job === null ? `handler:${handler}` : scopeOfJob(job))
const scopeOfJob = (job: string) => `job:${job}`
const keyOf = (namespace: string, scope: string) => `${namespace} ${scope}`

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

/** The minutes of one job or handler, by their starts. */
type MinutesOfScope = Map<number, MinuteCount>

/** Ends that are counted as they come, in the minute of their job or handler: what is wider is the sum of these. */
export class MinuteCounts {
  readonly #scopes = new Map<string, MinutesOfScope>()
  /** Where the end before was counted, and probably the next one is. */
  #last: { readonly namespace: string; readonly job: string | null; readonly handler: string; readonly minute: MinuteCount } | undefined
  #size = 0
  /** The first of all times. */
  earliestAt = Number.POSITIVE_INFINITY

  /** How many minutes of jobs and handlers. */
  get size(): number {
    return this.#size
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
    const minutes = this.#minutesOf(namespace, scope)
    let minute = minutes.get(start)
    if (minute === undefined) {
      minute = { namespace, scope, start, tally: emptyTally() }
      minutes.set(start, minute)
      this.#size++
    }
    this.#last = { namespace, job, handler, minute }
    return minute
  }

  #minutesOf(namespace: string, scope: string): MinutesOfScope {
    const key = keyOf(namespace, scope)
    let minutes = this.#scopes.get(key)
    if (minutes === undefined) {
      minutes = new Map()
      this.#scopes.set(key, minutes)
    }
    return minutes
  }

  /**
   * By the documents that keep them: of each of the levels that of everything, and that of the job. There may be four for each of very many jobs, so they are added
   * up one job at a time, as they are taken; meanwhile no end may be added.
   * @param options.endsOf the ends of a minute one by one, where they are known
   */
  *groups({
    changes = [],
    endsOf,
  }: {
    changes?: readonly ChangeFacts[]
    endsOf?: (minute: MinuteCount) => readonly EndedFacts[]
  } = {}): Generator<EndsOfPlace> {
    const isWhole = endsOf !== undefined
    // Of the job in its day alone: where a hundred thousand jobs are put, each has one document more, and no run may ever follow.
    const changesOf = new Map<string, ChangeFacts[]>()
    for (const one of changes) {
      const key = keyOf(one.namespace, scopeOfJob(one.job))
      const of = changesOf.get(key)
      if (of) of.push(one)
      else changesOf.set(key, [one])
    }
    const everything = new Documents(isWhole)
    for (const key of new Set([...this.#scopes.keys(), ...changesOf.keys()])) {
      const own = new Documents(isWhole)
      for (const minute of this.#scopes.get(key)?.values() ?? []) {
        const { namespace, scope, start: at } = minute
        const counted = { tally: minute.tally, parts: endsOf && [endsOf(minute)] }
        for (const level of LEVELS) own.add(placeOf(level, { namespace, scope, at }), counted)
        everything.add(placeOf('minute', { namespace, scope: EVERYTHING, at }), counted)
      }
      own.addChanges(changesOf.get(key) ?? [], ({ namespace, job, change: { at } }) =>
        placeOf('day', { namespace, scope: scopeOfJob(job), at }),
      )
      yield* own.all()
    }
    everything.addChanges(changes, ({ namespace, change: { at } }) => placeOf('minute', { namespace, scope: EVERYTHING, at }))
    const coarser = new Documents(isWhole)
    for (const minute of everything.all())
      for (const level of COARSER_LEVELS) coarser.add(placeOf(level, { ...minute.place, at: minute.place.start }), minute)
    yield* everything.all()
    yield* coarser.all()
  }
}

/** Documents that are being added up, by their ids. */
class Documents {
  readonly #isWhole: boolean
  readonly #groups = new Map<string, EndsOfPlace>()

  /** @param isWhole their ends are known one by one */
  constructor(isWhole: boolean) {
    this.#isWhole = isWhole
  }

  at(place: RollupPlace): EndsOfPlace {
    let group = this.#groups.get(place.id)
    if (group === undefined) {
      group = { place, tally: emptyTally(), parts: this.#isWhole ? [] : undefined }
      this.#groups.set(place.id, group)
    }
    return group
  }

  add(place: RollupPlace, { tally, parts = [] }: Pick<EndsOfPlace, 'tally' | 'parts'>): void {
    const group = this.at(place)
    addValues(group.tally, tally)
    group.parts?.push(...parts)
  }

  /** Those of one document in one go: of all of them it keeps the newest. */
  addChanges(changes: readonly ChangeFacts[], placeOfChange: (change: ChangeFacts) => RollupPlace): void {
    const added = new Map<EndsOfPlace, Record<string, ChangeValue>>()
    for (const one of changes) {
      const group = this.at(placeOfChange(one))
      const values = added.get(group) ?? {}
      values[changeKey(one.change)] = one.change
      added.set(group, values)
    }
    for (const [{ tally }, values] of added) addValues(tally, { ...emptyTally(), changes: values })
  }

  all(): Iterable<EndsOfPlace> {
    return this.#groups.values()
  }
}

/** Ends and changes by the documents that keep them. */
export function groupEnds(ends: readonly EndedFacts[], changes: readonly ChangeFacts[] = []): Generator<EndsOfPlace> {
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
