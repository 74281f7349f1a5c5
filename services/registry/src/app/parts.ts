import type { Broker, Clock, Logger, StreamKeeper } from '@carillon/runtime'
import type { AskLimit } from '../domain/ask-limit.ts'
import type { Roster } from '../domain/roster.ts'
import type { TickedTime } from '../domain/ticked-time.ts'
import type { InstanceEvents } from '../nats/instance-events.ts'
import type { PresenceBucket } from '../nats/presence-bucket.ts'
import type { Sessions } from '../nats/sessions.ts'
import type { WorkConsumers } from '../nats/work-consumers.ts'
import type { WorkHorizon } from '../nats/work-horizon.ts'

/** What the use cases work with. */
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
  readonly time: TickedTime
  readonly strangers: AskLimit
  readonly clock: Clock
  readonly log: Logger
  readonly beatMs: number
  readonly lostAfterMs: number
  readonly hungAfterMs: number
  readonly startedAt: number
}
