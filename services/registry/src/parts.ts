import type { Broker, Clock, Logger, StreamKeeper } from '@carillon/runtime'
import type { Cordons } from './cordons/rules/cordons.ts'
import type { InstanceEvents } from './presence/instance-events.ts'
import type { PresenceBucket } from './presence/presence-bucket.ts'
import type { AskLimit } from './presence/rules/ask-limit.ts'
import type { Roster } from './presence/rules/roster.ts'
import type { TickedTime } from './presence/rules/ticked-time.ts'
import type { Sessions } from './registration/sessions.ts'
import type { WorkConsumers } from './work-consumers/work-consumers.ts'
import type { WorkHorizon } from './work-consumers/work-horizon.ts'

/** The dependencies of the use cases and loops of a registry; each names those that it needs. */
export interface RegistryParts {
  readonly id: string
  readonly broker: Broker
  readonly bucket: PresenceBucket
  readonly consumers: WorkConsumers
  readonly horizon: WorkHorizon
  readonly sessions: Sessions
  readonly keeper: StreamKeeper
  readonly events: InstanceEvents
  readonly roster: Roster
  readonly cordons: Cordons
  readonly time: TickedTime
  readonly unknownInstances: AskLimit
  readonly clock: Clock
  readonly log: Logger
  readonly beatMs: number
  readonly lostAfterMs: number
  readonly hungAfterMs: number
}
