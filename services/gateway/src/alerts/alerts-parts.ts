import type { Broker, Clock, Logger, RecordTurns } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import type { CallMesh } from '../mesh/call-mesh.ts'
import type { IncidentEvents } from './incident-events.ts'
import type { KnownRules } from './known-rules.ts'

/** Who asks, in calls to other services. */
export const BY_ALERTS = { by: 'alerts', origin: { account: 'alerts' } } as const

/** The dependencies of the use cases and loops of alerts; each names those that it needs. */
export interface AlertsParts {
  readonly store: Store
  readonly broker: Broker
  readonly clock: Clock
  readonly log: Logger
  readonly turns: RecordTurns
  readonly known: KnownRules
  readonly events: IncidentEvents
  readonly mesh: CallMesh
}
