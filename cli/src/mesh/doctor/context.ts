import { CALLS, type InstanceView, LIMITS } from '@carillon/contracts'
import { apiErrorCode, type Broker } from '@carillon/runtime'
import type { Client } from '../../client/client.ts'
import { itemsOf } from '../../client/pages.ts'

/** The argument of every check. */
export interface CheckContext {
  readonly broker: Broker
  readonly client: Client
  readonly namespace: string
}

const STREAM_NOT_FOUND = 10059
/** Whether the broker answered that there is no such stream. */
export const isStreamMissing = (error: unknown): boolean => apiErrorCode(error) === STREAM_NOT_FOUND

/** Every live executor of the namespace. */
export async function instancesOf(client: Client): Promise<readonly InstanceView[]> {
  return itemsOf((cursor) => client.call(CALLS.instancesList, { limit: LIMITS.pageSize, cursor }))
}
