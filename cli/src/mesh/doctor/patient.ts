import type { Broker } from '@carillon/runtime'
import type { Client } from '../../client/client.ts'

/** What every check looks at. */
export interface Patient {
  readonly broker: Broker
  readonly client: Client
  readonly namespace: string
}
