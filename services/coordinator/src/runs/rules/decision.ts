import type { Backoff, RunEvent, RunMode } from '@carillon/contracts'
import type { LifeExpectation, TaskLife } from '@carillon/store'

/** What a life needs to know besides itself. */
export interface Policy {
  /** Tries that each start or manual retry is given. */
  readonly tries: number
  readonly backoff: Backoff
  readonly timeoutMs: number | null
  /** When the run was asked for: nothing of it has begun before. */
  readonly createdAt: number
}

/** A decision: what happens, to be written if the stored life is still as expected. */
export interface Decision {
  /** `checked`: nothing happened but that its times are known better. */
  readonly event: RunEvent | 'progress' | 'checked'
  readonly expect: LifeExpectation
  readonly set: Partial<TaskLife> & { readonly mode?: RunMode }
}

/** Why a report is not applied; it is counted. */
export interface Refused {
  readonly refused: 'stale-attempt' | 'not-owner' | 'not-open'
}
