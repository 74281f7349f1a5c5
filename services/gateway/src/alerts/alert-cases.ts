import type { ChangeChannels } from './change-channels.ts'
import type { ChangeRules } from './change-rules.ts'
import type { HandleIncidents } from './handle-incidents.ts'
import type { KnownRules } from './known-rules.ts'
import type { ReadAlerts } from './read-alerts.ts'

/** The use cases that calls are answered by. */
export interface AlertCases {
  readonly changeRules: ChangeRules
  readonly changeChannels: ChangeChannels
  readonly handleIncidents: HandleIncidents
  readonly readAlerts: ReadAlerts
  readonly known: KnownRules
}
