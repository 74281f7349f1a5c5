import type { RollupRecord } from '@carillon/store'
import { recordOf } from './group-ends.ts'
import { emptyTally } from './rollup.ts'

/** How far ends are counted. */
export interface Mark {
  readonly stream: number
  readonly upTo: number
  /** Every end that was stored before is counted. */
  readonly at: number
  readonly revision: number
}

/** No namespace has such a name. */
export const MARK_ID = '/mark'

/** It is kept where the counts are, under the same rules. */
export const markRecord = ({ stream, upTo, at, revision }: Mark): RollupRecord => {
  const place = { id: MARK_ID, namespace: '', scope: '', level: 'minute' as const, start: at }
  return { ...recordOf(place, emptyTally(), { stream, upTo, revision }), level: 'mark' }
}

export const markOf = ({ stream, upTo, start, revision }: RollupRecord): Mark => ({ stream, upTo, at: start, revision })
