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
  /** One by one, in lists. */
  readonly parts: (readonly EndedFacts[])[]
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

/** Ends and changes by the documents that keep them: of each of the levels that of everything, and that of the job. */
export function groupEnds(ends: readonly EndedFacts[], changes: readonly ChangeFacts[] = []): EndsOfPlace[] {
  const minutes = new Map<string, EndsOfPlace & { readonly ends: EndedFacts[] }>()
  const groupOf = (at: { readonly namespace: string; readonly scope: string; readonly at: number }) => {
    const key = `${at.namespace} ${at.scope} ${startOf('minute', at.at)}`
    let group = minutes.get(key)
    if (!group) {
      const own: EndedFacts[] = []
      group = { place: placeOf('minute', at), tally: emptyTally(), parts: [own], ends: own }
      minutes.set(key, group)
    }
    return group
  }
  for (const end of ends) {
    const group = groupOf({ namespace: end.namespace, scope: scopeOf(end), at: end.at })
    group.ends.push(end)
    addEnd(group.tally, end)
  }
  // Each end is counted in the minute of its job alone: what is wider is the sum of these.
  for (const { place, tally, ends: own } of [...minutes.values()]) {
    const all = groupOf({ namespace: place.namespace, scope: EVERYTHING, at: place.start })
    addValues(all.tally, tally)
    for (const end of own) all.ends.push(end)
  }
  for (const { namespace, change } of changes) addChange(groupOf({ namespace, scope: EVERYTHING, at: change.at }).tally, change)
  const coarser = new Map<string, EndsOfPlace>()
  for (const level of ['quarter', 'hour', 'day'] as const)
    for (const { place, tally, ends: own } of minutes.values()) {
      const wider = placeOf(level, { ...place, at: place.start })
      const group = coarser.get(wider.id) ?? { place: wider, tally: emptyTally(), parts: [] }
      coarser.set(wider.id, group)
      addValues(group.tally, tally)
      group.parts.push(own)
    }
  // Of the job in its day alone: where a hundred thousand jobs are put, each has one document more, and no run may ever follow.
  for (const { namespace, job, change } of changes) {
    const place = placeOf('day', { namespace, scope: `job:${job}`, at: change.at })
    const group = coarser.get(place.id) ?? { place, tally: emptyTally(), parts: [] }
    coarser.set(place.id, group)
    addChange(group.tally, change)
  }
  return [...minutes.values(), ...coarser.values()]
}

const addChange = (tally: Tally, change: ChangeValue) => addValues(tally, { ...emptyTally(), changes: { [changeKey(change)]: change } })

/**
 * The document with a batch counted in it; undefined: it counts all of that already. Its fence decides: what it includes it never counts again, whatever was
 * redelivered, or read by another process at the same time.
 */
export function counted(stored: RollupRecord | undefined, group: EndsOfPlace, stretch: Stretch): RollupRecord | undefined {
  // Sequences of another stream say nothing about those of this one.
  const fence = stored?.stream === stretch.stream ? stored.upTo : 0
  if (fence >= stretch.upTo) return undefined
  const tally = emptyTally()
  if (stored) addValues(tally, stored.values)
  if (fence < stretch.from) addValues(tally, group.tally)
  else {
    for (const ends of group.parts) for (const end of ends) if (end.sequence > fence) addEnd(tally, end)
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
