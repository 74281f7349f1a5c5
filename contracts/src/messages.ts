import { z } from 'zod'
import { nameField } from './fields.ts'
import type { EndedState, Reason } from './lifecycle.ts'
import { failureSchema } from './run.ts'

/** Body of `work.<handler>.<priority>.<taskId>` and of an offer on `direct.<instance>`. */
export interface WorkMessage {
  readonly runId: string
  /** The run's own id for the only task of a single run. */
  readonly taskId: string
  readonly handler: string
  readonly job?: string
  readonly attempt: number
  readonly payload: unknown
  /** Time limit of this attempt in ms. */
  readonly timeoutMs?: number
  /** Planned fire time of the run, if it has one. */
  readonly slot?: string
  /** Which of how many tasks, in a run with many. */
  readonly index?: number
  readonly total?: number
  /** Its own part of the data, of a run that was given a list. */
  readonly item?: unknown
}

/** Answer to an offer on `direct.<instance>`. */
export type OfferAnswer = { accepted: true } | { accepted: false; reason: 'busy' | 'unknown-handler' | 'draining' }

const reportBase = { runId: nameField, taskId: nameField, attempt: z.int().min(1) }
const isoTime = z.string().max(40)

/** What an executor says of a task. A message on `report.<instance>` holds one of these or an array. */
export const reportSchema = z.discriminatedUnion('type', [
  z.object({ ...reportBase, type: z.literal('started'), at: isoTime.optional() }),
  z.object({ ...reportBase, type: z.literal('released') }),
  z.object({ ...reportBase, type: z.literal('progress'), percent: z.number().min(0).max(100), note: z.string().max(1_000).optional() }),
  z.object({
    ...reportBase,
    type: z.literal('finished'),
    outcome: z.enum(['succeeded', 'failed', 'timed_out', 'cancelled']),
    result: z.unknown().optional(),
    error: failureSchema.optional(),
    /** Of a failure that no further attempt can mend. */
    reason: z.enum(['non-retryable', 'invalid-payload', 'invalid-result']).optional(),
    startedAt: isoTime.optional(),
    endedAt: isoTime.optional(),
  }),
])
export type Report = z.output<typeof reportSchema>
export type FinishedReport = Extract<Report, { type: 'finished' }>

/** Body of `control.<instance>`. `register`: the registry does not know the instance and asks for its registration. */
export const controlSchema = z.discriminatedUnion('type', [
  /** `taskId`: a task, or a run: all its tasks. */
  z.object({ type: z.literal('cancel'), taskId: nameField }),
  z.object({ type: z.literal('drain') }),
  z.object({ type: z.literal('register') }),
])
export type Control = z.output<typeof controlSchema>

/** Body of `event.run.<runId>.<state>`, once for each end of a run. `result` is left out when it is larger than 8 KiB. */
export interface RunEndedEvent {
  readonly runId: string
  readonly job?: string
  readonly handler: string
  readonly state: EndedState
  readonly reason: Reason
  readonly attempt: number
  readonly at: string
  readonly result?: unknown
  readonly resultOmitted?: true
  readonly failure?: z.output<typeof failureSchema>
}

/** Body of `event.message.<stream>.rejected`: a message that could not be understood, set aside. */
export interface RejectedEvent {
  readonly subject: string
  readonly code: string
  readonly message: string
  /** Its first 4 KiB, as text. */
  readonly body: string
  readonly at: string
}

/** Asked before work is run that was delivered before: whether it is still wanted, and as which attempt. */
export const claimSchema = z.strictObject({
  taskId: nameField,
  attempt: z.int().min(1),
  instance: nameField,
  /** False when the asker has another reason to doubt than a redelivery: then nobody is taken for lost. */
  redelivered: z.boolean().default(true),
})
export type ClaimAnswer = { run: true; attempt: number } | { run: false; reason: string }
