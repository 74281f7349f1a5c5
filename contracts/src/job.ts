import * as z from 'zod'
import { backoffSchema } from './backoff.ts'
import { codedField, nameField, timeField } from './fields.ts'
import { gatingFields } from './gating.ts'
import { LIMITS } from './limits.ts'
import { PRIORITIES, RUN_MODES, toleranceField } from './plan.ts'
import { policyFields } from './policy.ts'
import { ROUTES } from './routing.ts'
import { scheduleSchema } from './schedule.ts'
import { workflowField, workflowSchema } from './workflow.ts'

/** From the failure after `afterFailures` in a row on, the next slots move out by `stepMs` for each further one. One success clears it. */
const failureBackoffSchema = z.strictObject({
  afterFailures: z.int().min(1).max(LIMITS.failuresInRow).default(3),
  stepMs: codedField<number>({
    code: 'INVALID_DELAY',
    hint: 'Use whole milliseconds from 1000 up to 1 day.',
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 1_000 && (value as number) <= 86_400_000,
    json: { type: 'integer', minimum: 1_000, maximum: 86_400_000 },
  }).default(300_000),
})
export type FailureBackoff = z.output<typeof failureBackoffSchema>

/** Events that fire a job. */
const eventTriggerSchema = z.strictObject({
  /** With `*` for one token, or `>` for all that follow. */
  subject: z.string().min(1).max(LIMITS.subjectLength),
  /** CEL over `payload` and `subject`: only events of which it is true. */
  filter: z.string().optional(),
  /** CEL over `payload` and `subject`: the payload of the run. Default: the event's. */
  map: z.string().optional(),
})
export type EventTrigger = z.output<typeof eventTriggerSchema>

const parentJobSchema = z.strictObject({
  job: nameField,
  /** `failed`: also timed out or expired. `ended`: also cancelled; not skipped. */
  when: z.enum(['succeeded', 'failed', 'ended']).default('succeeded'),
})
export type ParentJob = z.output<typeof parentJobSchema>
const parentJobs = z.array(parentJobSchema).min(1, 'Name at least one job, or leave it out.').max(LIMITS.parentsPerJob)

const MISFIRES = ['once', 'skip', 'all'] as const
export const misfireField = z.enum(MISFIRES)
export const misfireAfterField = codedField<number>({
  code: 'INVALID_DELAY',
  hint: `Use whole milliseconds from 1000 up to ${LIMITS.misfireAfterMaxMs} (7 days).`,
  accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 1_000 && (value as number) <= LIMITS.misfireAfterMaxMs,
  json: { type: 'integer', minimum: 1_000, maximum: LIMITS.misfireAfterMaxMs },
})
/** A job as a user writes it. */
export const jobInputSchema = z.strictObject({
  name: nameField,
  /** Default: the job's name. */
  handler: nameField.optional(),
  description: z.string().max(1_000).optional(),
  schedule: scheduleSchema.optional(),
  payload: z.unknown().optional(),
  /** It is fired by events: messages on a NATS subject, whose body is the payload. */
  on: eventTriggerSchema.optional(),
  /** It is fired when a run of one of these jobs ends so. Its payload, where that is an object, gets a member `parent`: job, runId, state, reason, result, failure. */
  afterJobs: parentJobs.refine((jobs) => new Set(jobs.map(({ job }) => job)).size === jobs.length, 'Name each job once.').optional(),
  /** What to do about slots that were missed: `once` (default) one run for all of them, `skip` none, `all` each. */
  misfire: misfireField.optional(),
  /** A slot that is later than this is missed, in ms. Default 60,000. */
  misfireAfterMs: misfireAfterField.optional(),
  /** Pause the job when so many of its runs in a row have failed. Cancelled and skipped ones do not count. Default: never. */
  pauseAfterFailures: z.int().min(1).max(LIMITS.failuresInRow).optional(),
  /** Fire less often while runs fail. Default: off. */
  failureBackoff: failureBackoffSchema.optional(),
  ...gatingFields,
  ...policyFields,
  /** Its runs are workflows: what their nodes leave open comes from the job. */
  workflow: workflowSchema.optional(),
})
export type JobInput = z.input<typeof jobInputSchema>

/** `finished`: its schedule has no further time. */
const JOB_STATES = ['active', 'paused', 'finished'] as const
export type JobState = (typeof JOB_STATES)[number]

const statsSchema = z.object({
  succeeded: z.int(),
  failed: z.int(),
  /** Failures since the last success. */
  failuresInRow: z.int(),
  /** Of these successes, from the beginning of the last attempt to its end. */
  averageMs: z.number().exactOptional(),
  p95Ms: z.number().exactOptional(),
})
export type JobStats = Readonly<z.output<typeof statsSchema>>

/** A job as services show it. */
export const jobViewSchema = z.object({
  name: z.string(),
  handler: z.string(),
  state: z.enum(JOB_STATES),
  description: z.string().exactOptional(),
  schedule: scheduleSchema.exactOptional(),
  payload: z.unknown().exactOptional(),
  mode: z.enum(RUN_MODES),
  shards: z.int().exactOptional(),
  items: z.array(z.unknown()).exactOptional(),
  maxParallel: z.int().exactOptional(),
  tolerate: toleranceField.exactOptional(),
  workflow: workflowField.exactOptional(),
  attempts: z.int(),
  backoff: backoffSchema,
  nonRetryable: z.array(z.string()).readonly().exactOptional(),
  timeoutMs: z.int().exactOptional(),
  runTimeoutMs: z.int().exactOptional(),
  deadlineMs: z.int().exactOptional(),
  /** Absent: normal. */
  priority: z.enum(PRIORITIES).exactOptional(),
  on: eventTriggerSchema.exactOptional(),
  afterJobs: z.array(parentJobSchema).exactOptional(),
  labels: z.record(z.string(), z.string()).exactOptional(),
  where: z.string().exactOptional(),
  route: z.enum(ROUTES).exactOptional(),
  instances: z.array(z.string()).readonly().exactOptional(),
  hashKey: z.string().exactOptional(),
  misfire: misfireField,
  misfireAfterMs: z.int().exactOptional(),
  pauseAfterFailures: z.int().exactOptional(),
  failureBackoff: failureBackoffSchema.exactOptional(),
  overlap: gatingFields.overlap.unwrap().exactOptional(),
  maxConcurrent: z.int().exactOptional(),
  concurrencyKey: z.string().exactOptional(),
  maxPerKey: z.int().exactOptional(),
  rate: gatingFields.rate.unwrap().exactOptional(),
  debounce: gatingFields.debounce.unwrap().exactOptional(),
  throttle: gatingFields.throttle.unwrap().exactOptional(),
  batch: gatingFields.batch.unwrap().exactOptional(),
  /** Grows by one with each change of its definition or state by someone. */
  revision: z.int(),
  /** Who changed it last, as that party names itself. */
  by: z.string().exactOptional(),
  /** The highest version that code has declared. */
  version: z.int().exactOptional(),
  /** An operator has changed it since code declared it: declarations wait until it is released. */
  edited: z.literal(true).exactOptional(),
  /** Why it is paused: of an operator, or of the mesh. */
  note: z.string().exactOptional(),
  /** Of its runs that are still kept, the newest 100 successes, failures and time-outs: in the answer to `jobs.get`. */
  stats: statsSchema.exactOptional(),
  /** What its runs keep for each other. */
  data: z.record(z.string(), z.unknown()).exactOptional(),
  /** Next planned fire time. */
  nextAt: timeField.exactOptional(),
  /** What its schedule says otherwise than it may have been meant: in the answer to a put. */
  warnings: z.array(z.string()).exactOptional(),
  createdAt: timeField,
  updatedAt: timeField,
})
export type JobView = Readonly<z.output<typeof jobViewSchema>>

/** A job that would be accepted. */
export const jobCheckedSchema = z.object({
  /** What its schedule says otherwise than it may have been meant. */
  warnings: z.array(z.string()),
})
export type JobChecked = Readonly<z.output<typeof jobCheckedSchema>>
