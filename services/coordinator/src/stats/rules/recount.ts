import type { RollupLevel, RollupRecord } from '@carillon/store'
import { timesOf } from '../../runs/rules/views.ts'
import { placeOf, type RollupPlace, recordOf } from './group-ends.ts'
import { WIDTHS } from './intervals.ts'
import { addValues, columnsOf, type EndedFacts, emptyTally, type Tally } from './rollup.ts'

type RunThatEnded = Parameters<typeof timesOf>[0]

/** The end of a run, as it is stored: what its event says, or would have said. @param sequence of its event, if that is known */
export function factsOfRun(run: RunThatEnded, sequence = 0): EndedFacts | undefined {
  const { id: runId, namespace, job, handler, state, reason, attempt, endedAt, error } = run
  if (endedAt === null || reason === null) return undefined
  const { waitedMs, ranMs, lateMs, retries } = timesOf(run)
  const times = { at: endedAt, waitedMs, ranMs, lateMs, retries }
  const failure = error === null ? undefined : { name: error.name, message: error.message }
  return { sequence, namespace, runId, job, handler, state: state as EndedFacts['state'], reason, attempt, ...times, failure }
}

/** The next coarser level, which is the sum of this one. */
export const COARSER: Readonly<Partial<Record<RollupLevel, RollupLevel>>> = { minute: 'quarter', quarter: 'hour', hour: 'day' }

/** The coarser document that contains one. */
export const coarserPlace = (level: RollupLevel, { namespace, scope, start }: RollupPlace): RollupPlace =>
  placeOf(level, { namespace, scope, at: start })

/** The stretch of finer documents that one adds up. */
export const stretchOf = ({ level, start }: RollupPlace) => ({ from: start, before: start + WIDTHS[level] })

/** Whether events behind a fence are counted in a document: another coordinator has recounted everything before it, and has gone on. */
export const isBeyond = (stored: Pick<RollupRecord, 'stream' | 'upTo'>, fence: Pick<RollupRecord, 'stream' | 'upTo'>): boolean =>
  stored.stream > fence.stream || (stored.stream === fence.stream && stored.upTo > fence.upTo)

/**
 * The document with all ends of its interval; undefined: it has them. One that counts more is left as it is: the runs may have been removed since, or were
 * retried by hand, which ended twice.
 */
export function recounted(
  stored: RollupRecord | undefined,
  { place, tally, fence }: { place: RollupPlace; tally: Tally; fence: Pick<RollupRecord, 'stream' | 'upTo'> },
): RollupRecord | undefined {
  if (columnsOf(tally).ended <= (stored?.ended ?? 0)) return undefined
  const whole = emptyTally()
  addValues(whole, tally)
  if (stored) {
    const { gauges, changes } = stored.values
    addValues(whole, { ...emptyTally(), gauges, ...(changes ? { changes } : {}) })
  }
  return recordOf(place, whole, { ...fence, revision: (stored?.revision ?? 0) + 1 })
}
