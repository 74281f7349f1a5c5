import type { Broker, Clock, Logger, RejectedMessages, StreamKeeper } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import type { LineCounts } from './retention/rules/line-counts.ts'

/** The dependencies of the use cases and loops of a logger; each names those that it needs. */
export interface LoggerParts {
  readonly id: string
  readonly broker: Broker
  readonly keeper: StreamKeeper
  readonly store: Store
  readonly rejected: RejectedMessages
  readonly counts: LineCounts
  readonly clock: Clock
  readonly log: Logger
  readonly retentionMs: number
  readonly linesPerRun: number
}
