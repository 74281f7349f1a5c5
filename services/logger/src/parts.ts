import type { Broker, Clock, Logger, RejectedMessages, StreamKeeper } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import type { LineCounts } from './retention/rules/line-counts.ts'

/** What the use cases and loops of a logger work with; each names what it takes of it. */
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
