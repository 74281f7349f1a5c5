import type { Backoff, RunEvent } from '@carillon/contracts'
import type { LifeChange, LifeExpectation, LifeHead, Terms } from '@carillon/store'

/** What a decision needs besides the life itself. */
export interface Policy {
  /** Tries that each start or manual retry is given. */
  readonly tries: number
  readonly backoff: Backoff
  readonly timeoutMs: number | null
  readonly terms: Pick<Terms, 'nonRetryable'> | null
  /** When the run was requested: nothing of it has begun before. */
  readonly createdAt: number
}

/** An event and its changes, to be written if the stored life is still as expected. */
export interface Decision {
  /** `checked`: only its times are corrected. */
  readonly event: RunEvent | 'progress' | 'checked'
  readonly expect: LifeExpectation
  readonly set: LifeChange['set']
  /** Of a reported end: log lines of the attempt, for the terminal event. They are not stored. */
  readonly logLines?: number | undefined
  /** Of a reported end that another attempt follows: when this one began. It is not stored, but noted with the run. */
  readonly attemptBeganAt?: number
}

/** Why a report is not applied; it is counted. */
export interface Refused {
  readonly refused: 'stale-attempt' | 'not-owner' | 'not-open'
}

/** Whether a queued life goes to an instance of its own when a decision is stored. */
export const isPinnedAfter = ({ pinnedAt }: Pick<LifeHead, 'pinnedAt'>, { set }: Decision): boolean =>
  (set.pinnedAt === undefined ? pinnedAt : set.pinnedAt) !== null

export function isRefused(decision: Decision | Refused): decision is Refused {
  return 'refused' in decision
}
