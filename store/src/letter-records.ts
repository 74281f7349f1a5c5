import type { Failure, Reason, RunState, StartRun } from '@carillon/contracts'

/** An attempt that has failed. */
export interface FailedTry {
  readonly attempt: number
  /** When it began; absent where that was not reported. */
  readonly startedAt?: number
  readonly at: number
  /** The instance that had it. */
  readonly instance?: string
  readonly name: string
  readonly message: string
}

/** The retry of a call that the mesh has given up: kept until a person decides about it. */
export interface DeadLetterRecord {
  /** The id of the run. */
  readonly id: string
  readonly namespace: string
  /** The handler of the run. */
  readonly scene: string
  readonly key: string | null
  /** JSON text: the arguments. */
  readonly payload: string
  /** How the run has ended. */
  readonly state: RunState
  readonly reason: Reason | null
  readonly error: Failure | null
  /** The attempt that ended it, and how many of its attempts only resumed after a sleep. */
  readonly attempt: number
  readonly sleeps: number
  /** The tries that failed, the last ones. */
  readonly failed: readonly FailedTry[]
  /** The request of the run, without handler, payload, key and times: how it is started again. */
  readonly request: Partial<StartRun>
  readonly traceparent: string | null
  /** When the run was requested. */
  readonly requestedAt: number
  readonly at: number
  /** The run that was started for it, or its own if that runs again; null: none was. Written before that is there. */
  readonly redrivenAs: string | null
  /** JSON text of other arguments that this run has. */
  readonly redrivenWith: string | null
  /** 1: it is there. */
  readonly isRedriven: number
  readonly by: string | null
  /** Grows with each write: the fence. */
  readonly revision: number
}

/** A letter without what may be large. Its error has no stack. */
export type DeadLetterHead = Omit<DeadLetterRecord, 'payload' | 'redrivenWith' | 'request' | 'failed'>
