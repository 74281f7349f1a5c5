import type { Backoff, RunEvent } from '@carillon/contracts'
import type { LifeChange, LifeExpectation } from '@carillon/store'

/** What a life needs to know besides itself. */
export interface Policy {
  /** Tries that each start or manual retry is given. */
  readonly tries: number
  readonly backoff: Backoff
  readonly timeoutMs: number | null
  /** When the run was asked for: nothing of it has begun before. */
  readonly createdAt: number
}

/** What happens, to be written if the stored life is still as expected. */
export interface Decision {
  /** `checked`: nothing happened but that its times are known better. */
  readonly event: RunEvent | 'progress' | 'checked'
  readonly expect: LifeExpectation
  readonly set: LifeChange['set']
}

/** Why a report is not applied; it is counted. */
export interface Refused {
  readonly refused: 'stale-attempt' | 'not-owner' | 'not-open'
}

export function isRefused(decision: Decision | Refused): decision is Refused {
  return 'refused' in decision
}
