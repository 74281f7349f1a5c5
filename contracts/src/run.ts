import * as z from 'zod'
import { durationField, instantField, nameField, runIdField } from './fields.ts'
import { policyFields } from './job.ts'
import type { Reason, RunState } from './lifecycle.ts'
import { RUN_STATES } from './lifecycle.ts'
import { LIMITS } from './limits.ts'
import type { RunMode } from './plan.ts'

/** One run that is asked for. `job` is a job's name or, where no such job is stored, a handler's; `handler` skips the jobs. */
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
    ...policyFields,
  })
  .refine((run) => (run.job === undefined) !== (run.handler === undefined), { error: 'Name either a job or a handler.', path: ['job'] })
  .refine((run) => run.delayMs === undefined || run.at === undefined, { error: 'Give either delayMs or at.', path: ['at'] })
export type StartRun = z.output<typeof startRunSchema>

export const startRunsSchema = z.strictObject({ runs: z.array(z.unknown()) })

/** Outcome of one start; in a bulk each item has its own. */
export interface StartedRun {
  readonly runId: string
  /** False: the run was there already, by its key or id. */
  readonly created: boolean
}

export const progressSchema = z.object({ percent: z.number().min(0).max(100), note: z.string().max(1_000).optional() })
export type Progress = z.output<typeof progressSchema>

/** An error that a handler threw, as data. Field for field the same from any language. */
export const failureSchema = z.object({
  name: z.string().max(200).default('Error'),
  message: z.string().default(''),
  stack: z.string().optional(),
  /** False: not to be tried again (semantics C2). */
  retryable: z.boolean().optional(),
  /** Waiting time that the handler asks for before the next attempt, in ms. */
  retryAfterMs: z.number().min(0).optional(),
})
export type Failure = z.output<typeof failureSchema>

/** A run as services show it. Times are RFC 3339 in UTC. */
export interface RunView {
  readonly runId: string
  readonly job?: string
  readonly handler: string
  readonly mode: RunMode
  readonly state: RunState
  readonly reason?: Reason
  /** The reason in words, with what a person needs to act. */
  readonly message?: string
  readonly trigger: RunTrigger
  readonly payload?: unknown
  readonly key?: string
  readonly slot?: string
  readonly attempt: number
  readonly attempts: number
  /** Executors in a row that died while they ran it; it may be to blame. */
  readonly losses?: number
  /** Executors in a row that died while they ran it, of something else. */
  readonly interruptions?: number
  readonly instance?: string
  readonly progress?: Progress
  readonly result?: unknown
  readonly failure?: Failure
  readonly createdAt: string
  /** When it becomes due: of a delayed run. */
  readonly dueAt?: string
  readonly startedAt?: string
  readonly endedAt?: string
}

/** Who asked for a run. */
export type RunTrigger = 'call' | 'stream' | 'schedule'

/** One task of a run with many, as services show it. */
export interface TaskView {
  readonly taskId: string
  /** Of a map: `root`, what a call to map named it, `reduce` or `merge`. */
  readonly task?: string
  /** Of a map: among the items of its call. */
  readonly index: number
  /** Its own part of the data, of a run that was given a list, and of a map. */
  readonly item?: unknown
  readonly state: RunState
  readonly reason?: Reason
  readonly attempt: number
  readonly losses?: number
  readonly interruptions?: number
  readonly instance?: string
  readonly progress?: Progress
  readonly result?: unknown
  readonly failure?: Failure
  readonly startedAt?: string
  readonly endedAt?: string
}

/** A run with many tasks at a glance. */
export interface RunTree {
  readonly runId: string
  readonly job?: string
  readonly handler: string
  readonly mode: RunMode
  readonly state: RunState
  readonly reason?: Reason
  /** How far the whole is: tasks that have ended, and the progress of those that run. */
  readonly percent: number
  /** Estimate from what is done so far; of a run that runs. */
  readonly leftMs?: number
  readonly startedAt?: string
  readonly endedAt?: string
  readonly stages: readonly RunStage[]
  /** At most five, without item and result. */
  readonly failed: readonly TaskView[]
  /** At most five, without item and result: tasks that have ended or run, the longest first. Of more than 100,000 tasks those that run. */
  readonly slowest: readonly TaskView[]
}

/** Tasks of a run that were made together. */
export interface RunStage {
  readonly name: string
  readonly total: number
  readonly counts: Partial<Record<RunState, number>>
}

/** Which runs are listed: those that all given filters accept. A page may hold fewer than `limit` accepted runs, even none, and have a `next`. */
export const listRunsSchema = z.strictObject({
  job: nameField.optional(),
  handler: nameField.optional(),
  /** Runs of the handlers that live instances of this service offer. */
  service: nameField.optional(),
  /** The run with this idempotency key. */
  key: z.string().min(1).max(LIMITS.keyLength).optional(),
  /** Runs created at this time or later. */
  since: instantField.optional(),
  state: z.enum(RUN_STATES).optional(),
  cursor: z.string().max(200).optional(),
  limit: z.int().min(1).max(LIMITS.pageSize).default(50),
})
export type ListRuns = z.output<typeof listRunsSchema>

/** Which ended runs are removed now; what is not said is as for the removal that goes on by itself. */
export const pruneRunsSchema = z.strictObject({
  /** Only say what would be removed. Default: false. */
  dryRun: z.boolean().optional(),
  /** Runs that ended longer ago than this. Default: the setting. */
  olderThanMs: durationField.optional(),
  /** The newest runs of each job that are kept whatever their age. Default: the setting. */
  keep: z.int().min(0).max(LIMITS.keepPerJob).optional(),
  /** Runs of this job only. */
  job: nameField.optional(),
  /** What `next` said, to go on with the same request. */
  cursor: z.string().max(200).optional(),
})

/** What was removed; of a dry run what would be. */
export interface RunsPruned {
  readonly removed: {
    readonly runs: number
    readonly tasks: number
    readonly steps: number
    /** Of the removed runs: those whose key or id stays taken for a time. */
    readonly remembered: number
  }
  /** More runs are to be looked at: ask again with it as `cursor`. */
  readonly next?: string
}
