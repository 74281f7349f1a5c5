import * as z from 'zod'
import { durationField, instantField, nameField, parseInput, runIdField, timeField } from './fields.ts'
import { gatingFields } from './gating.ts'
import { RUN_ID } from './ids.ts'
import { REASONS, type Reason, RUN_STATES } from './lifecycle.ts'
import { LIMITS } from './limits.ts'
import { isName } from './names.ts'
import { NODE_KINDS, NODE_STATES } from './node-kind.ts'
import { PRIORITIES, RUN_MODES } from './plan.ts'
import { limitField, policyFields } from './policy.ts'
import { failedTrySchema, retryMarkField, retrySchema, retryViewSchema } from './retry.ts'

/** A request for one run. `job` is a job's name or, where no such job is stored, a handler's; `handler` skips the jobs. */
export const startRunSchema = z
  .strictObject({
    job: nameField.optional(),
    handler: nameField.optional(),
    /** Default: the job's payload, else null. */
    payload: z.unknown().optional(),
    /** Idempotency key: one run per namespace and key. */
    key: z.string().min(1).max(LIMITS.keyLength).optional(),
    /** A fresh id made by the caller, so that a repeated request is the same run. */
    id: runIdField.optional(),
    delayMs: durationField.optional(),
    at: instantField.optional(),
    /** W3C trace context of this run's caller, where a bulk start carries runs of several; else the message's header counts. */
    traceparent: z.string().max(100).optional(),
    /** The run must have ended within so many ms after it was requested, its delay included: what is left of a deadline of its caller. None by default. */
    endWithinMs: limitField.optional(),
    /** When it was requested, where the request travels late; `endWithinMs` counts from then. One that is older than keys are remembered is refused. */
    requestedAt: instantField.optional(),
    /** It is the retry of a call: what follows it, and how often the caller has tried. */
    retry: retrySchema.optional(),
    /** It is requested by code that runs in a try of a retry, `scene/attempt`: retryable functions that it calls leave the retry to that. */
    withinRetry: retryMarkField.optional(),
    ...policyFields,
    /** Of a run of a handler: they hold among its runs that were requested with the same ones. A job has rules of its own. */
    ...gatingFields,
  })
  .refine((run) => (run.job === undefined) !== (run.handler === undefined), { error: 'Name either a job or a handler.', path: ['job'] })
  .refine((run) => run.delayMs === undefined || run.at === undefined, { error: 'Give either delayMs or at.', path: ['at'] })
  .meta({ oneOf: [{ required: ['job'] }, { required: ['handler'] }], not: { required: ['delayMs', 'at'] } })
export type StartRun = z.output<typeof startRunSchema>

const PLAIN_FIELDS: ReadonlySet<string> = new Set(['job', 'handler', 'id', 'payload'] satisfies (keyof StartRun)[])

/**
 * A request for one run, by its schema. Most requests have nothing but a name, an id and a payload, and are checked without it: the schema tries every field
 * that a request may have, which takes 0.1 ms in a process that was idle.
 * @throws CarillonError as `parseInput`
 */
export function parseStartRun(request: unknown): StartRun {
  return isPlainStart(request) ? request : parseInput(startRunSchema, request, 'run')
}

function isPlainStart(request: unknown): request is StartRun {
  if (typeof request !== 'object' || request === null) return false
  for (const name in request) if (!PLAIN_FIELDS.has(name) || request[name as keyof typeof request] === undefined) return false
  const { job, handler, id } = request as { readonly [Field in keyof StartRun]: unknown }
  if ((job === undefined) === (handler === undefined) || !isName(job ?? handler)) return false
  return id === undefined || (typeof id === 'string' && RUN_ID.test(id))
}

export const startRunsSchema = z.strictObject({ runs: z.array(z.unknown()) })

/** The outcome of one start; a bulk start has one for each item. */
export const startedRunSchema = z.object({
  runId: z.string(),
  /** False: the run was there already, by its key or id. */
  created: z.boolean(),
})
export type StartedRun = Readonly<z.output<typeof startedRunSchema>>

export const progressSchema = z.object({ percent: z.number().min(0).max(100), note: z.string().max(1_000).optional() })
export type Progress = z.output<typeof progressSchema>

/** An error that a handler threw, as data. Field for field the same from any language. */
export const failureSchema = z.object({
  name: z.string().max(200).default('Error'),
  message: z.string().default(''),
  stack: z.string().optional(),
  /** Its code, or that of its cause, such as `ECONNREFUSED`. */
  code: z.string().max(200).optional(),
  /** False: not to be tried again. */
  retryable: z.boolean().optional(),
  /** Waiting time that the handler requests before the next attempt, in ms. */
  retryAfterMs: z.number().min(0).optional(),
})
export type Failure = z.output<typeof failureSchema>

export const stateField = z.enum(RUN_STATES)
export const reasonField = z.enum(Object.keys(REASONS) as [Reason, ...Reason[]])
/** The origin of a run. */
export const TRIGGERS = ['call', 'stream', 'schedule', 'job', 'event', 'run'] as const
export const triggerField = z.enum(TRIGGERS)
export type RunTrigger = (typeof TRIGGERS)[number]

/** The fields of the life cycle that runs and tasks have in common. */
const lifeFields = {
  state: stateField,
  reason: reasonField.exactOptional(),
  attempt: z.int(),
  /** Attempts that only resumed after a sleep: `attempt` and `attempts` count them, tries do not. */
  sleeps: z.int().exactOptional(),
  /** Executors in a row that died while they ran it, of a cause that may be this task. */
  losses: z.int().exactOptional(),
  /** Executors in a row that died while they ran it, of another cause. */
  interruptions: z.int().exactOptional(),
  instance: z.string().exactOptional(),
  /** The program that goes on with its steps: of a task that has stored one. */
  program: z.string().exactOptional(),
  progress: progressSchema.exactOptional(),
  result: z.unknown().exactOptional(),
  failure: failureSchema.exactOptional(),
  /** When the current attempt began. */
  startedAt: timeField.exactOptional(),
  /** When the first attempt since its creation or last manual retry began; absent when that is the current one. */
  firstStartedAt: timeField.exactOptional(),
  endedAt: timeField.exactOptional(),
}

/** A run as services show it. Times are RFC 3339 in UTC. */
export const runViewSchema = z.object({
  runId: z.string(),
  job: z.string().exactOptional(),
  handler: z.string(),
  mode: z.enum(RUN_MODES),
  ...lifeFields,
  /** The reason as text, with what a person needs to act. */
  message: z.string().exactOptional(),
  trigger: triggerField,
  /** Who requested it, as that party names itself; with its own trigger nobody did. */
  by: z.string().exactOptional(),
  /** The run whose end has fired it. */
  parent: z.string().exactOptional(),
  /** Of a child run: the task that waits for it. */
  parentTask: z.string().exactOptional(),
  /** The run that started for it: of a trigger that was debounced, throttled or batched. */
  mergedInto: z.string().exactOptional(),
  /** The jobs that led to it by firing one another, the first one first. */
  chain: z.array(z.string()).readonly().exactOptional(),
  payload: z.unknown().exactOptional(),
  key: z.string().exactOptional(),
  /** The trace that it is part of: 32 hexadecimal digits, of the `traceparent` that was stored with it. */
  traceId: z.string().exactOptional(),
  slot: timeField.exactOptional(),
  attempts: z.int(),
  /** Errors after which there is no further attempt. */
  nonRetryable: z.array(z.string()).readonly().exactOptional(),
  runTimeoutMs: z.int().exactOptional(),
  /** It expires when it has not started by then. */
  deadlineAt: timeField.exactOptional(),
  /** It must have ended by then: `endWithinMs` of its request. */
  endAt: timeField.exactOptional(),
  /** Its attempts that failed before the current one, the last 20, oldest first; messages are cut to 200 letters. Of the retry of a call see `retry`. */
  failed: z.array(failedTrySchema).readonly().exactOptional(),
  /** Of the retry of a call: how often the caller has tried, and what starts at its end. */
  retry: retryViewSchema.exactOptional(),
  /** The try of a retry that it is part of, `scene/attempt`: what it calls is not retried by itself. */
  withinRetry: z.string().exactOptional(),
  /** Absent: normal. */
  priority: z.enum(PRIORITIES).exactOptional(),
  createdAt: timeField,
  /** When it becomes due: of a delayed run. */
  dueAt: timeField.exactOptional(),
  /** Of a paused run: since when. */
  pausedAt: timeField.exactOptional(),
  /** How long it was paused in all: its limits of time are later by as much. */
  pausedMs: z.int().exactOptional(),
  /** Of a workflow that did not succeed, and has nodes that can be undone: whether they were. `under-way`: they are being undone. */
  compensation: z.enum(['under-way', 'complete', 'incomplete']).exactOptional(),
})
export type RunView = Readonly<z.output<typeof runViewSchema>>

/** Why a run is in its state, in one sentence. */
export const whyRunSchema = z.object({ runId: z.string(), state: stateField, why: z.string() })
export type WhyRun = Readonly<z.output<typeof whyRunSchema>>

/** One task of a fan-out run, as services show it. */
export const taskViewSchema = z.object({
  taskId: z.string(),
  /** Of a map: `root`, what a call to map named it, `reduce` or `merge`. */
  task: z.string().exactOptional(),
  /** Of a map: among the items of its call. */
  index: z.int(),
  /** The item of this task: of a run with a list of shards, and of a map. */
  item: z.unknown().exactOptional(),
  ...lifeFields,
})
export type TaskView = Readonly<z.output<typeof taskViewSchema>>

/** One node of a workflow in one of its runs. */
const treeNodeSchema = z.object({
  id: z.string(),
  kind: z.enum(NODE_KINDS),
  /** The nodes that it comes after; branches of decisions lead to it, too. */
  after: z.array(z.string()).readonly(),
  /** Of those that are decisions and lead to it by a branch: the condition, cut to 100 letters, or `otherwise`. */
  when: z.record(z.string(), z.string()).exactOptional(),
  state: z.enum(NODE_STATES),
  /** Of a node that has begun. */
  taskId: z.string().exactOptional(),
  /** The child run that it waits for. */
  childRunId: z.string().exactOptional(),
  /** Total tries so far. */
  attempt: z.int().exactOptional(),
  /** What holds it back, at most five: nodes that have not ended, or of a blocked one those that have failed or are blocked. */
  waitsFor: z.array(z.string()).readonly().exactOptional(),
  /** Of a foreach node that has begun: how its items are. */
  items: z.object({ total: z.int(), succeeded: z.int(), failed: z.int() }).exactOptional(),
  /** Of a decision that was made: the nodes of the branch that was taken. */
  took: z.array(z.string()).readonly().exactOptional(),
  /** Of a node that was run again: how often it has been begun. */
  generation: z.int().exactOptional(),
  /** The signal that it waits for; or the roles that may approve it, none: anyone. */
  awaits: z.union([z.object({ signal: z.string() }), z.object({ approval: z.array(z.string()).readonly() })]).exactOptional(),
  /** How it was decided: of an approval; or that it is skipped, or has succeeded, by request. */
  decided: z
    .object({
      decision: z.enum(['approved', 'rejected', 'skipped', 'succeeded']),
      by: z.string().exactOptional(),
      note: z.string().exactOptional(),
    })
    .exactOptional(),
  /** When it goes on: of a wait, and of a task that is tried again. */
  dueAt: timeField.exactOptional(),
  startedAt: timeField.exactOptional(),
  endedAt: timeField.exactOptional(),
  /** What undoes it: the handler, and, as soon as that has begun, its task. */
  compensation: z
    .object({
      handler: z.string(),
      state: stateField.exactOptional(),
      taskId: z.string().exactOptional(),
      attempt: z.int().exactOptional(),
      startedAt: timeField.exactOptional(),
      endedAt: timeField.exactOptional(),
    })
    .exactOptional(),
})
export type TreeNode = Readonly<z.output<typeof treeNodeSchema>>

/** A fan-out run at a glance. */
export const runTreeSchema = z.object({
  runId: z.string(),
  job: z.string().exactOptional(),
  handler: z.string(),
  mode: z.enum(RUN_MODES),
  state: stateField,
  reason: reasonField.exactOptional(),
  /** How far the whole is: tasks that have ended, and the progress of those that run. */
  percent: z.number(),
  /** Estimate from what is done so far; of a run that runs. */
  leftMs: z.number().exactOptional(),
  startedAt: timeField.exactOptional(),
  endedAt: timeField.exactOptional(),
  stages: z
    .array(
      z.object({
        name: z.string(),
        total: z.int(),
        /** How many are in each state; states that none is in are left out. */
        counts: z.partialRecord(z.enum(NODE_STATES), z.int()),
      }),
    )
    .readonly(),
  /** Of a workflow: its nodes, in the order of its graph. */
  nodes: z.array(treeNodeSchema).readonly().exactOptional(),
  /** At most five, without item and result. */
  failed: z.array(taskViewSchema).readonly(),
  /** At most five, without item and result: tasks that have ended or run, the longest first. Of more than 100,000 tasks those that run. */
  slowest: z.array(taskViewSchema).readonly(),
})
export type RunTree = Readonly<z.output<typeof runTreeSchema>>
/** Tasks of a run that were made together. */
export type RunStage = RunTree['stages'][number]

/** Which ended runs are removed now; defaults are the settings of the periodic removal. */
export const pruneRunsSchema = z.strictObject({
  /** Only count what would be removed. Default: false. */
  dryRun: z.boolean().optional(),
  /** Runs that ended longer ago than this. Default: the setting. */
  olderThanMs: durationField.optional(),
  /** The newest runs of each job that are kept whatever their age. Default: the setting. */
  keep: z.int().min(0).max(LIMITS.keepPerJob).optional(),
  /** Runs of this job only. */
  job: nameField.optional(),
  /** `next` of the answer before, to continue the same request. */
  cursor: z.string().max(200).optional(),
})

/** What was removed; of a dry run what would be. */
export const runsPrunedSchema = z.object({
  removed: z.object({
    runs: z.int(),
    tasks: z.int(),
    steps: z.int(),
    /** Of the removed runs: those whose key or id stays taken for a time. */
    remembered: z.int(),
  }),
  /** More runs are to be examined: send the same request with it as `cursor`. */
  next: z.string().exactOptional(),
})
export type RunsPruned = Readonly<z.output<typeof runsPrunedSchema>>
