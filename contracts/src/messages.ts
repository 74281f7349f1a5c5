import * as z from 'zod'
import { coded, durationField, instantField, nameField, runIdField, taskIdField, timeField } from './fields.ts'
import { countText } from './hints.ts'
import { MAP_CALLS } from './ids.ts'
import { ENDED_STATES } from './lifecycle.ts'
import { LIMITS } from './limits.ts'
import { NAME, RESERVED_NAMES } from './names.ts'
import { HANDLER_KINDS, OWN_TASK_NAMES, RUN_MODES } from './plan.ts'
import { programField } from './program.ts'
import { failureSchema, progressSchema, reasonField, stateField, TRIGGERS } from './run.ts'

/** Body of `work.<handler>.<priority>.<taskId>` and of an offer on `direct.<instance>`. */
export const workSchema = z.object({
  runId: runIdField,
  /** The run's own id for the only task of a single run. */
  taskId: taskIdField,
  handler: nameField,
  job: nameField.exactOptional(),
  attempt: z.int().min(1),
  payload: z.unknown(),
  /** Time limit of this attempt in ms. */
  timeoutMs: z.int().min(1).exactOptional(),
  /** Planned fire time of the run, if it has one. */
  slot: timeField.exactOptional(),
  /** Which of how many tasks, in a fan-out run. */
  index: z.int().min(0).exactOptional(),
  total: z.int().min(1).exactOptional(),
  /** The item of this task: of a run with a list of shards, and of a map. */
  item: z.unknown().exactOptional(),
  /** Of a map: `root`, what a call to map named it, `reduce` or `merge`. */
  task: nameField.exactOptional(),
  /** Of a workflow: what the nodes that lead to it have set. */
  context: z.record(z.string(), z.unknown()).exactOptional(),
  /** Processes died while they ran it, of an unknown cause: nothing else may run in the process while it does. */
  alone: z.literal(true).exactOptional(),
  /** Claim it before you run it, also when it is delivered for the first time: its run has a deadline, or it was released and got a new message. */
  claim: z.literal(true).exactOptional(),
  /** The try of a retry that its run is part of, as `scene/attempt`: what its handler calls is not retried by itself. */
  withinRetry: z.string().exactOptional(),
  /** Its steps began with this program: an executor whose handler is not this one, nor accepts it, claims it as `incompatible`. */
  program: programField.exactOptional(),
  /** W3C trace context of the run, in an assignment. Work messages and offers have it as a header. */
  traceparent: z.string().exactOptional(),
})
export type WorkMessage = Readonly<z.output<typeof workSchema>>

/** Answer to an offer on `direct.<instance>`. */
export const offerAnswerSchema = z.discriminatedUnion('accepted', [
  z.object({ accepted: z.literal(true) }),
  z.object({ accepted: z.literal(false), reason: z.enum(['busy', 'unknown-handler', 'draining', 'cordoned', 'other-program']) }),
])
export type OfferAnswer = z.output<typeof offerAnswerSchema>

/** A request on `direct.<instance>`: tasks of one handler that are assigned to the instance as their runs are created. */
export const assignmentSchema = z.array(workSchema).min(1).max(LIMITS.assignedTogether)

/** Answer to an assignment. */
export const assignmentAnswerSchema = z.object({
  /** Ids of the tasks that it does not take. */
  declined: z.array(taskIdField),
  /** Tasks of the handler that it has now. */
  held: z.int().min(0),
  /** How many it would have at most. */
  most: z.int().min(0),
})
export type AssignmentAnswer = z.output<typeof assignmentAnswerSchema>

/** Answer on `session.<instance>.<session>`. */
export const aliveSchema = z.object({ alive: z.literal(true) })

const reportBase = { runId: nameField, taskId: taskIdField, attempt: z.int().min(1) }
/** The session that the owner has registered, see `registerSchema`. */
const owner = { session: nameField.optional() }
const isoTime = z.string().max(40)
/** How long the attempt has run, in ms of a monotonic clock: the coordinator derives its start from it. */
const ranFor = z.number().min(0).optional()

/** A step that waits for a signal, or for a child run: then `signal` is the name of its job. */
const waitSchema = z.object({ step: z.int().min(0), signal: nameField, child: z.string().max(100).exactOptional() })
export type Wait = Readonly<z.output<typeof waitSchema>>

/** A report of an executor about a task. A message on `report.<instance>` holds one report or an array. */
export const reportSchema = z.discriminatedUnion('type', [
  /** `at`, like `startedAt` and `endedAt` below, is the executor's clock; no decision depends on it. */
  z.object({ ...reportBase, ...owner, type: z.literal('started'), durationMs: ranFor, at: isoTime.optional() }),
  z.object({ ...reportBase, type: z.literal('released') }),
  /**
   * The task resumes after this time, on any instance; the results of its steps are stored. `waits`: or when a signal has come that one of these steps waits for;
   * then `delayMs` is that of the first of them that has a time limit, if any has.
   */
  z
    .object({
      ...reportBase,
      type: z.literal('slept'),
      delayMs: durationField.optional(),
      waits: z.array(waitSchema).min(1).max(LIMITS.waitsAtOnce).optional(),
    })
    .refine(({ delayMs, waits }) => delayMs !== undefined || waits !== undefined, { error: 'Give delayMs, or waits.', path: ['delayMs'] }),
  /**
   * The process of the executor ends while it runs the task. `blame`: `this` task ends it, `another` one does (or an operator stops the process), or
   * it is not known.
   */
  z.object({ ...reportBase, type: z.literal('died'), blame: z.enum(['this', 'another', 'unknown']), error: failureSchema }),
  z.object({
    ...reportBase,
    ...owner,
    type: z.literal('progress'),
    percent: z.number().min(0).max(100),
    note: z.string().max(1_000).optional(),
  }),
  z.object({
    ...reportBase,
    type: z.literal('finished'),
    outcome: z.enum(['succeeded', 'failed', 'timed_out', 'cancelled']),
    result: z.unknown().optional(),
    error: failureSchema.optional(),
    /** Of a workflow: what it adds to the context of the nodes behind it, if it has succeeded. */
    context: z.record(z.string(), z.unknown()).optional(),
    /** Of a failure that is not retried. */
    reason: z.enum(['non-retryable', 'invalid-payload', 'invalid-result', 'program-changed']).optional(),
    durationMs: ranFor,
    /** How many lines the attempt has logged, those that were dropped included: the highest `seq`. */
    logLines: z.int().min(0).optional(),
    startedAt: isoTime.optional(),
    endedAt: isoTime.optional(),
  }),
])
export type Report = z.output<typeof reportSchema>
export type FinishedReport = Extract<Report, { type: 'finished' }>
/** Which task ended a process while it ran. */
export type Blame = Extract<Report, { type: 'died' }>['blame']

/** Body of `control.<instance>`. `register`: the registry does not know the instance, or one of its handlers has another consumer to pull from; it asks for its registration. */
export const controlSchema = z.discriminatedUnion('type', [
  /** `taskId`: a task, or a run: all its tasks. */
  z.object({ type: z.literal('cancel'), taskId: taskIdField }),
  /** Another executor received work that the instance is known to run: does the instance still run it? */
  z.object({ type: z.literal('check'), runId: nameField, taskId: taskIdField, attempt: z.int().min(1) }),
  z.object({ type: z.literal('drain') }),
  /** An operator wants it to take no work until `uncordon`, or nothing comes of its tasks. It keeps what it runs, and goes on living. */
  z.object({ type: z.literal('cordon') }),
  z.object({ type: z.literal('uncordon') }),
  z.object({ type: z.literal('register') }),
])
export type Control = z.output<typeof controlSchema>

/** Body of `hung.<instance>`: a coordinator finds that nothing has come of the instance's tasks for longer than they may take. Repeated until presence says so. */
export const hungSchema = z.object({ session: nameField, idleMs: z.number().min(0) })
export type Hung = Readonly<z.output<typeof hungSchema>>

/** Body of `event.run.<runId>.<state>`, once for each end of a run. */
export const runEndedSchema = z.object({
  runId: z.string(),
  job: z.string().exactOptional(),
  handler: z.string(),
  state: z.enum(ENDED_STATES),
  reason: reasonField,
  attempt: z.int().min(1),
  at: timeField,
  result: z.unknown().exactOptional(),
  /** The result is larger than 8 KiB: ask `runs.get` for it. */
  resultOmitted: z.literal(true).exactOptional(),
  failure: failureSchema.exactOptional(),
  /** The run that started for it: of a trigger that was debounced, throttled or batched. */
  mergedInto: z.string().exactOptional(),
  createdAt: timeField.exactOptional(),
  /** When the last attempt began; absent when none did. */
  startedAt: timeField.exactOptional(),
  /** Of a single run: how many lines its last attempt has logged. Absent where the executor did not say so, or when the event is published again. */
  logLines: z.int().min(0).exactOptional(),
  /** From when it was due to its first start; of a run that was retried by hand absent. */
  waitedMs: z.int().min(0).exactOptional(),
  /** From its first start to its end; absent where it had not begun. */
  ranMs: z.int().min(0).exactOptional(),
  /** Of a slot: from its planned time to its run. */
  lateMs: z.int().min(0).exactOptional(),
  /** Attempts beyond the first, since it was requested or retried by hand. */
  retries: z.int().min(1).exactOptional(),
  /** It may have been published before, by this coordinator or another one: no confirmation of the broker has come, or the run ended more than 5 s ago. */
  repeated: z.literal(true).exactOptional(),
})
export type RunEndedEvent = Readonly<z.output<typeof runEndedSchema>>

/** Body of `live.run.<runId>.<what>`: what a row of a list shows. */
export const liveRunSchema = z.object({
  runId: z.string(),
  job: z.string().exactOptional(),
  handler: z.string(),
  state: stateField,
  reason: reasonField.exactOptional(),
  attempt: z.int(),
  progress: progressSchema.exactOptional(),
  /** The instance that runs it. */
  instance: z.string().exactOptional(),
  /** Absent: `call`. */
  trigger: z.enum(TRIGGERS).exactOptional(),
  /** Absent: `single`. */
  mode: z.enum(RUN_MODES).exactOptional(),
  /** Absent in messages of earlier versions. */
  createdAt: timeField.exactOptional(),
  startedAt: timeField.exactOptional(),
})

/** Body of `live.task.<runId>.changed`: tasks of a fan-out run that moved at the same time. */
export const liveTaskSchema = z.object({
  runId: z.string(),
  /** The first 20. */
  tasks: z.array(
    z.object({
      taskId: z.string(),
      state: stateField,
      reason: reasonField.exactOptional(),
      attempt: z.int(),
      instance: z.string().exactOptional(),
      progress: progressSchema.exactOptional(),
      startedAt: timeField.exactOptional(),
      endedAt: timeField.exactOptional(),
    }),
  ),
  /** How many more. */
  omitted: z.int().exactOptional(),
})

/** Body of `live.job.<name>.changed`. */
export const liveJobSchema = z.object({ name: z.string(), what: z.string() })

/** Body of `event.instance.<instance>.<what>`. */
export const instanceEventSchema = z.object({ namespace: z.string(), instance: z.string(), service: z.string(), at: timeField })

/** Body of `event.message.<stream>.rejected`: a message that was rejected. */
export const rejectedSchema = z.object({
  subject: z.string(),
  code: z.string(),
  message: z.string(),
  /** Its first 4 KiB, as text. */
  body: z.string(),
  at: timeField,
})
export type RejectedEvent = Readonly<z.output<typeof rejectedSchema>>

/** Body of `live.gate.<job>.changed`: asks the owners of these gates to check them. */
export const liveGateSchema = z.object({
  gates: z.array(
    z.object({
      id: z.string(),
      /** JSON text of the key whose runs it holds. */
      key: z.string().exactOptional(),
      /** Runs that have ended. */
      ended: z.array(z.string()),
      /** Whose rules it goes by, if these are not of a job: the subject has the handler then. */
      rules: z.string().exactOptional(),
    }),
  ),
})

/** Sent before redelivered work is run: whether it is still wanted, and as which attempt. */
export const claimSchema = z.strictObject({
  taskId: taskIdField,
  attempt: z.int().min(1),
  instance: nameField,
  /** As registered. With it, a claim of the process that runs the task does not count as a loss. */
  session: nameField.optional(),
  /** False when the claim has another reason than a redelivery: then no instance is regarded as lost. */
  redelivered: z.boolean().default(true),
  /** Of a handler whose runs map: a run that was requested before the kind was known is one from now on, and has a task for the next instance that pulls. */
  kind: z.enum(HANDLER_KINDS).optional(),
  /** The program of the message is not that of the handler, nor one that it accepts: the task goes to another instance, and this is no attempt. */
  incompatible: z.literal(true).optional(),
})
export type TaskClaim = z.output<typeof claimSchema>
/** `alone`: as in a work message. */
export const claimAnswerSchema = z.discriminatedUnion('run', [
  z.object({ run: z.literal(true), attempt: z.int().min(1), alone: z.literal(true).exactOptional() }),
  z.object({ run: z.literal(false), reason: z.string() }),
])
export type ClaimAnswer = z.output<typeof claimAnswerSchema>

const CALL_HINT = 'Count the calls of the task from 0, the same in every attempt.'
/** A running task creates a task for each item. It is idempotent by the number of the call, also in a later attempt. */
export const mapSchema = z.strictObject({
  taskId: taskIdField,
  attempt: z.int().min(1),
  instance: nameField,
  call: z
    .int(CALL_HINT)
    .min(0, CALL_HINT)
    .max(MAP_CALLS - 1, CALL_HINT),
  name: coded(nameField, 'INVALID_NAME', `Names other than ${OWN_TASK_NAMES.join(', ')}: those a map gives itself.`, isFree).meta({
    type: 'string',
    pattern: NAME.source,
    not: { enum: [...RESERVED_NAMES, ...OWN_TASK_NAMES] },
  }),
  items: z
    .array(z.unknown())
    .min(1, 'Give at least one item; where there is none, do not call.')
    .max(LIMITS.mapItems, `Give at most ${LIMITS.mapItems} items, and call again for more.`),
})
export type MapCall = z.output<typeof mapSchema>

function isFree(name: string): boolean {
  return !(OWN_TASK_NAMES as readonly string[]).includes(name)
}

/** A running reduce or merge task reads what it reduces, a page at a time. */
export const resultsSchema = z.strictObject({
  taskId: taskIdField,
  cursor: z.string().max(300).optional(),
  limit: z.int().min(1).max(LIMITS.pageSize).default(LIMITS.pageSize),
})
/** One result of many. */
export const taskResultSchema = z.object({ taskId: z.string(), result: z.unknown() })
export type TaskResult = Readonly<z.output<typeof taskResultSchema>>

const STEP_HINT = `Count the steps of the task from 0, the same in every attempt, up to ${countText(LIMITS.steps)}.`
/**
 * A running task has done a step, has failed to, is to sleep, or waits for a signal. It is idempotent by `index` and `try`: what was
 * stored first is what counts.
 */
export const stepSchema = z.strictObject({
  taskId: taskIdField,
  attempt: z.int().min(1),
  instance: nameField,
  index: z
    .int(STEP_HINT)
    .min(0, STEP_HINT)
    .max(LIMITS.steps - 1, STEP_HINT),
  name: nameField,
  /** The program that runs: the first step of a task binds it. Default: `<handler>@undeclared`. */
  program: programField.optional(),
  /** Of one that failed before: how often it was tried, from 1. */
  try: z.int().min(1).max(LIMITS.stepTries).default(1),
  outcome: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('done'), result: z.unknown().optional() }),
    /** `isFinal`: it is not tried again by itself. */
    z.strictObject({ type: z.literal('failed'), failure: failureSchema, isFinal: z.boolean() }),
    /** `forMs`: from when it is stored, on the coordinator's clock; `until`: a point in time. */
    z
      .strictObject({ type: z.literal('sleeping'), forMs: durationField.optional(), until: instantField.optional() })
      .refine(({ forMs, until }) => (forMs === undefined) !== (until === undefined), {
        error: 'Give either forMs or until.',
        path: ['until'],
      })
      .meta({ oneOf: [{ required: ['forMs'] }, { required: ['until'] }] }),
    /**
     * For a signal that has the name of the step. It is stored once; repeated, it answers what became of it. `timeoutMs`: from when it is stored. `isBehind`: an earlier
     * step of the task still waits for a signal of this name, so none is taken for this one yet.
     */
    z.strictObject({ type: z.literal('waiting'), timeoutMs: durationField.optional(), isBehind: z.literal(true).optional() }),
  ]),
})
export type StepCall = z.output<typeof stepSchema>

export const journalSchema = z.strictObject({
  /** Of a run with one task its own id. */
  taskId: taskIdField,
  cursor: z.string().max(300).optional(),
  limit: z.int().min(1).max(LIMITS.pageSize).default(100),
})

/** The outcome of a step of a durable task. */
export const journalEntrySchema = z.object({
  /** From 0, in the order in which the program comes to them. */
  index: z.int().min(0),
  name: z.string(),
  /** Of a wait for a signal: `waiting`, then `received` or `timed_out`. */
  state: z.enum(['done', 'failed', 'sleeping', 'waiting', 'received', 'timed_out']),
  /** How often it was tried. */
  tries: z.int(),
  /** How often it has failed since it was last given up. */
  failures: z.int(),
  /** Of a step that is done; of a signal its payload. */
  result: z.unknown().exactOptional(),
  /** Of a signal: who sent it. */
  by: z.string().exactOptional(),
  failure: failureSchema.exactOptional(),
  /** Of a step that failed permanently: the program has received the error, and receives it again until its task is retried. */
  isFinal: z.literal(true).exactOptional(),
  /** Of a sleep; of a wait for a signal its time limit. */
  until: timeField.exactOptional(),
  /** Of these: how much was left when this was answered. */
  leftMs: z.number().exactOptional(),
  at: timeField,
})
export type JournalEntry = Readonly<z.output<typeof journalEntrySchema>>

/** A page of the journal. `program`: the one that its task is bound to. */
export const journalPageSchema = z.object({
  items: z.array(journalEntrySchema).readonly(),
  next: z.string().exactOptional(),
  program: z.string().exactOptional(),
})
export type JournalPage = Readonly<z.output<typeof journalPageSchema>>
