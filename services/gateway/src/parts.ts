import type { Broker, Clock, Logger, StreamKeeper } from '@carillon/runtime'
import type { Store } from '@carillon/store'

/** The dependencies of the use cases of a gateway; each names those that it needs. */
export interface GatewayParts {
  readonly id: string
  readonly broker: Broker
  readonly keeper: StreamKeeper
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
}
