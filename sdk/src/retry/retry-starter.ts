import type { Retry, RunState } from '@carillon/contracts'
import type { RunRequest } from '../client/start-item.ts'
import type { TaskContext } from '../executor/task-context.ts'
import type { RetryPolicy } from './retry-options.ts'

/** The start of a retry by the mesh. */
export type RetryRequest = RunRequest & {
  readonly key: string
  readonly retry: Retry
  readonly endWithinMs?: number | undefined
  readonly requestedAt?: string
}

/** `state`: of a run that was there already, if it is known. */
export interface StartedRetry {
  readonly runId: string
  readonly created: boolean
  readonly state?: RunState | undefined
  readonly keptIn: 'mesh' | 'outbox'
}

/** Stores the retries of calls. */
export interface RetryStarter {
  /** @throws CarillonError of the request, or where it can be kept nowhere */
  start(request: RetryRequest): Promise<StartedRetry>
}

/** One function of this process, as its callers and the mesh try it. */
export interface RetriedFunction {
  /** A call by code of this process. @throws what the function throws, where it is not tried again; CarillonError of the arguments, before anything is called */
  call(args: readonly unknown[]): Promise<unknown>
  /** A try by the mesh: what it throws is that of the handler. */
  attempt(context: TaskContext): unknown
}

/** The retries of a process. Its types name nothing of the connection: those of users are checked without the types of that. */
export interface Retries {
  bind(policy: RetryPolicy, run: (...args: never) => unknown): RetriedFunction
}

/** Those that have files. */
export interface StoredRetries extends Retries {
  stop(): Promise<void>
}
