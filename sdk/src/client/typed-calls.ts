import type { JobInput } from '@carillon/contracts'
import { checkObject } from '../check-object.ts'
import { type AnyHandler, isDefinition, type PayloadOf, runOptionsOf } from '../handler-definition.ts'
import type { AnyWorkflow, PayloadBy } from '../workflow-definition.ts'
import type { RunOptions } from './start-item.ts'

/** A payload that may be missing, and options. */
export type CallOf<Handler extends AnyHandler, Options> =
  unknown extends PayloadOf<Handler> ? [payload?: unknown, options?: Options] : [payload: PayloadOf<Handler>, options?: Options]

/** The same of a workflow. */
export type WorkflowCallOf<Started extends AnyWorkflow, Options> =
  unknown extends PayloadBy<Started['input']>
    ? [payload?: unknown, options?: Options]
    : [payload: PayloadBy<Started['input']>, options?: Options]

/** Options with which the tasks of a run are those of its definition. */
export type OwnOptions<Handler extends AnyHandler> = Omit<RunOptions, 'mode' | 'items' | 'shards'> & {
  readonly mode?: undefined
  readonly items?: undefined
  readonly shards?: Handler['mode'] extends 'shards' | 'map-reduce' ? number | undefined : undefined
}

/** Options that make a run a fan-out run. */
export type FanOutOptions = RunOptions &
  ({ readonly mode: 'broadcast' } | { readonly shards: number } | { readonly items: readonly unknown[] })

/** One run of a bulk start, of a handler by its definition. */
export type RequestOf<Handler extends AnyHandler> = OwnOptions<Handler> & {
  readonly handler: Handler
  readonly job?: undefined
} & (unknown extends PayloadOf<Handler> ? { readonly payload?: unknown } : { readonly payload: PayloadOf<Handler> })

/** A job whose handler is given by its definition. */
export type JobOf<Handler extends AnyHandler> = Omit<JobInput, 'handler' | 'payload'> & {
  readonly handler: Handler
} & (unknown extends PayloadOf<Handler> ? { readonly payload?: unknown } : { readonly payload: PayloadOf<Handler> })

/** A job as it is sent. */
export function jobInputOf(job: JobInput | JobOf<AnyHandler>): JobInput {
  const { handler } = checkObject('job', job)
  return isDefinition(handler) ? { ...runOptionsOf(handler, job as Omit<JobInput, 'handler'>), handler: handler.name } : (job as JobInput)
}
