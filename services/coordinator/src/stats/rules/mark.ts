import type { RollupRecord } from '@carillon/store'
import * as z from 'zod'
import type { StreamState } from '../read-ends.ts'
import { recordOf } from './group-ends.ts'
import { emptyTally } from './rollup.ts'

/** How far the clocks of those that end runs may be apart, together with the time from an end until it is stored. */
const CLOCKS_DIFFER_MS = 5_000
/** From the end of a run until every coordinator that wrote it has stored it: a write is given up after 30 s, and its process may stand still for a while. */
const SETTLED_MS = 60_000

/** How far ends are counted. */
export interface Mark {
  /** Identifies the sequences that fences go by: a broker that has lost events gives the same ones again, so another number follows. It grows. */
  readonly stream: number
  readonly upTo: number
  /** Every end that was stored before is counted. */
  readonly at: number
  /** Grows with each write; 0: it is not stored yet. */
  readonly revision: number
  /** When the stream was made. */
  readonly made: number
  /** When the message at `upTo` was stored, as the broker writes it. A restored stream has another one there. Absent: there is none. */
  readonly storedAt?: string | undefined
  /** Ends before are not counted from the stream, but from the runs: their events may be lost. */
  readonly since: number
  /** They are not yet. */
  readonly isOwed: boolean
}

/** No namespace has such a name. */
export const MARK_ID = '/mark'

const detailsSchema = z.object({ made: z.number(), storedAt: z.string().exactOptional(), since: z.number(), isOwed: z.boolean() })

/** It is kept where the counts are, under the same rules. */
export const markRecord = ({ stream, upTo, at, revision, ...details }: Mark): RollupRecord => {
  const place = { id: MARK_ID, namespace: '', scope: JSON.stringify(details), level: 'minute' as const, start: at }
  return { ...recordOf(place, emptyTally(), { stream, upTo, revision }), level: 'mark' }
}

export const markOf = ({ stream, upTo, start, revision, scope }: RollupRecord): Mark => ({
  ...{ stream, upTo, at: start, revision },
  ...detailsSchema.parse(JSON.parse(scope)),
})

/** Where counting begins that has never counted. */
export const firstMark = ({ stream }: StreamState): Omit<Mark, 'at' | 'revision'> => ({
  ...{ stream, made: stream, upTo: 0, since: 0, isOwed: false },
})

/**
 * Whether the stream is not the one that was counted up to the mark: it was made again, has fewer messages, or another one in its place (it was restored from an
 * older copy and has grown since), or has dropped some that were not counted.
 * @param storedAt of the message that is at the mark now; undefined: none is
 */
export function hasLost(mark: Mark, { stream, first, last }: StreamState, storedAt: string | undefined): boolean {
  if (mark.made !== stream || last < mark.upTo || first > mark.upTo + 1) return true
  return mark.storedAt !== undefined && storedAt !== undefined && mark.storedAt !== storedAt
}

/** The mark of a stream that has lost events: what ended until now, and a moment longer, is counted from the runs. */
export function owedMark(mark: Mark, state: StreamState, { now, storedAt }: { now: number; storedAt: string | undefined }): Mark {
  const stream = Math.max(state.stream, mark.stream + 1)
  return { ...mark, stream, made: state.stream, upTo: state.last, storedAt, since: now + CLOCKS_DIFFER_MS, isOwed: true }
}

/** Whether every run that ended before is stored by now. */
export const isSettled = ({ since }: Mark, now: number): boolean => now >= since + SETTLED_MS
