import { apiErrorCode, type Broker } from '@carillon/runtime'
import type { Client } from '../../client/client.ts'

/** What every check looks at. */
export interface Patient {
  readonly broker: Broker
  readonly client: Client
  readonly namespace: string
}

const STREAM_NOT_FOUND = 10059
/** Whether the broker answered that there is no such stream. */
export const isStreamMissing = (error: unknown): boolean => apiErrorCode(error) === STREAM_NOT_FOUND
