import type { Retry } from '@carillon/contracts'
import type { RunRequest } from '../client/start-item.ts'

/** The start of a retry by the mesh. */
export type RetryRequest = RunRequest & {
  readonly key: string
  readonly retry: Retry
  readonly endWithinMs?: number | undefined
  readonly requestedAt?: string
}

/** Stores the retries of calls. @internal */
export interface RetryStarter {
  /** @throws CarillonError of the request, or where it can be kept nowhere */
  start(request: RetryRequest): Promise<{ readonly runId: string; readonly created: boolean; readonly keptIn: 'mesh' | 'outbox' }>
}
