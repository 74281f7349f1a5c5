import * as z from 'zod'
import type { ErrorBody } from './errors.ts'
import { nameField, runIdField } from './fields.ts'
import { type InstanceView, type Registered, registerSchema } from './instance.ts'
import { type JobView, jobInputSchema } from './job.ts'
import { RUN_STATES } from './lifecycle.ts'
import { LIMITS } from './limits.ts'
import { type LogView, queryLogsSchema } from './log.ts'
import {
  type ClaimAnswer,
  claimSchema,
  type JournalEntry,
  journalSchema,
  mapSchema,
  resultsSchema,
  stepSchema,
  type TaskResult,
} from './messages.ts'
import {
  listRunsSchema,
  pruneRunsSchema,
  type RunsPruned,
  type RunTree,
  type RunView,
  type StartedRun,
  startRunSchema,
  startRunsSchema,
  type TaskView,
} from './run.ts'

export type ServiceName = 'coordinator' | 'registry' | 'logger'

/**
 * Whether a call may be sent again when its answer was lost, in which case it may have been done: without a difference; only if each of its runs
 * has an `id` or a `key`; or not.
 */
export type Repeatable = 'always' | 'with-identity' | 'never'

/** A request that is answered: `api.<noun>.<verb>`, served by one service's queue group. */
export interface Call<Input extends z.ZodType = z.ZodType, Output = unknown, Service extends ServiceName = ServiceName> {
  readonly noun: string
  readonly verb: string
  readonly service: Service
  readonly description: string
  readonly input: Input
  readonly repeatable: Repeatable
  /** After this the caller gives up: CALL_TIMEOUT. */
  readonly deadlineMs: number
  /** Type only. */
  readonly output?: Output
}

const DEADLINE_MS = 5_000

function call<Output>() {
  return <Input extends z.ZodType, Service extends ServiceName>(
    service: Service,
    path: `${string}.${string}`,
    about: { input: Input; repeatable: Repeatable; description: string; deadlineMs?: number },
  ): Call<Input, Output, Service> => {
    const [noun = '', verb = ''] = path.split('.')
    return { noun, verb, service, deadlineMs: DEADLINE_MS, ...about }
  }
}

/** A page of a list; `next` is the cursor of the following page. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly next?: string
}

export interface ServiceHealth {
  readonly service: string
  readonly id: string
  readonly version: string
  readonly uptimeMs: number
  /** Parts in words: what is wrong, or that it is well. */
  readonly checks: readonly { name: string; ok: boolean; message: string }[]
  /** Of a coordinator: how many live, and how many died within the hour whose place nobody took. */
  readonly coordinators?: { readonly live: number; readonly missing: number }
}

const byName = z.strictObject({ name: nameField })
const removeJobSchema = z.strictObject({
  name: nameField,
  /** Runs that wait for their time are not cancelled with their job. */
  keepRuns: z.boolean().default(false),
})
const byRun = z.strictObject({ runId: runIdField })
const nothing = z.strictObject({})
const page = z.strictObject({ cursor: z.string().max(200).optional(), limit: z.int().min(1).max(LIMITS.pageSize).default(100) })

/** Every call of the wire. Controllers, SDK, CLI and docs/PROTOCOL.md derive from this table. */
export const CALLS = {
  jobsPut: call<JobView>()('coordinator', 'jobs.put', {
    input: jobInputSchema,
    repeatable: 'never',
    description: 'Create a job, or replace the one of that name',
  }),
  jobsGet: call<JobView>()('coordinator', 'jobs.get', { input: byName, repeatable: 'always', description: 'One job' }),
  jobsList: call<Page<JobView>>()('coordinator', 'jobs.list', { input: page, repeatable: 'always', description: 'Jobs by name' }),
  jobsPause: call<JobView>()('coordinator', 'jobs.pause', { input: byName, repeatable: 'never', description: 'Take no further slots' }),
  jobsResume: call<JobView>()('coordinator', 'jobs.resume', {
    input: byName,
    repeatable: 'never',
    description: 'Take slots again, from now on',
  }),
  jobsRemove: call<{ removed: true }>()('coordinator', 'jobs.remove', {
    input: removeJobSchema,
    repeatable: 'never',
    description: 'Remove a job; runs that wait for their time end',
  }),
  jobsRun: call<StartedRun>()('coordinator', 'jobs.run', {
    input: startRunSchema,
    repeatable: 'with-identity',
    description: 'Start one run',
  }),
  runsStart: call<{ runs: (StartedRun | { error: ErrorBody })[] }>()('coordinator', 'runs.start', {
    input: startRunsSchema,
    repeatable: 'with-identity',
    description: 'Start up to 1,000 runs, each with an outcome of its own',
  }),
  runsGet: call<RunView>()('coordinator', 'runs.get', { input: byRun, repeatable: 'always', description: 'One run' }),
  runsList: call<Page<RunView>>()('coordinator', 'runs.list', {
    input: listRunsSchema,
    repeatable: 'always',
    description: 'Runs, newest first',
  }),
  runsTasks: call<Page<TaskView>>()('coordinator', 'runs.tasks', {
    input: z.strictObject({ ...byRun.shape, state: z.enum(RUN_STATES).optional(), ...page.shape }),
    repeatable: 'always',
    description: 'Tasks of a run with many, in order',
  }),
  runsTree: call<RunTree>()('coordinator', 'runs.tree', {
    input: byRun,
    repeatable: 'always',
    description: 'A run with many tasks at a glance: how far it is, what failed, what is slow',
  }),
  runsCancel: call<RunView>()('coordinator', 'runs.cancel', { input: byRun, repeatable: 'never', description: 'Cancel an open run' }),
  runsRetry: call<RunView>()('coordinator', 'runs.retry', {
    input: z.strictObject({ ...byRun.shape, only: z.enum(['failed']).optional(), fromStep: nameField.optional() }),
    repeatable: 'never',
    description:
      'Run an ended run again, with new tries; of a run with many tasks all of them, or those that failed; of a run with steps from a step on',
  }),
  runsPrune: call<RunsPruned>()('coordinator', 'runs.prune', {
    input: pruneRunsSchema,
    repeatable: 'never',
    description: 'Remove ended runs that were kept for their time, for some seconds; `next` leads to the rest',
    deadlineMs: 60_000,
  }),
  tasksClaim: call<ClaimAnswer>()('coordinator', 'tasks.claim', {
    input: claimSchema,
    repeatable: 'always',
    description: 'Ask whether redelivered work is still wanted',
  }),
  tasksMap: call<{ created: number }>()('coordinator', 'tasks.map', {
    input: mapSchema,
    repeatable: 'always',
    description: 'A running task of a map asks for a task for each item',
  }),
  tasksResults: call<Page<TaskResult>>()('coordinator', 'tasks.results', {
    input: resultsSchema,
    repeatable: 'always',
    description: 'What a reduce or merge task has to reduce',
  }),
  tasksStep: call<{ stored: JournalEntry }>()('coordinator', 'tasks.step', {
    input: stepSchema,
    repeatable: 'always',
    description: 'A running task stores a step that it has done',
  }),
  tasksJournal: call<Page<JournalEntry>>()('coordinator', 'tasks.journal', {
    input: journalSchema,
    repeatable: 'always',
    description: 'What the steps of a task have done, in order',
  }),
  coordinatorHealth: call<ServiceHealth>()('coordinator', 'coordinator.health', {
    input: nothing,
    repeatable: 'always',
    description: 'Health of one coordinator',
  }),
  coordinatorRebuild: call<{ published: number }>()('coordinator', 'coordinator.rebuild', {
    input: nothing,
    repeatable: 'never',
    description: 'Publish again what the broker should hold and does not',
    deadlineMs: 120_000,
  }),
  instancesRegister: call<Registered>()('registry', 'instances.register', {
    input: registerSchema,
    repeatable: 'always',
    description: 'An executor says what it offers',
  }),
  instancesLeave: call<{ left: true }>()('registry', 'instances.leave', {
    input: z.strictObject({ instance: nameField, session: nameField.optional() }),
    repeatable: 'always',
    description: 'An executor says goodbye',
  }),
  instancesList: call<Page<InstanceView>>()('registry', 'instances.list', {
    input: page,
    repeatable: 'always',
    description: 'Live instances by id',
  }),
  registryHealth: call<ServiceHealth>()('registry', 'registry.health', {
    input: nothing,
    repeatable: 'always',
    description: 'Health of one registry',
  }),
  logsQuery: call<Page<LogView>>()('logger', 'logs.query', {
    input: queryLogsSchema,
    repeatable: 'always',
    description: 'Log lines of a run',
  }),
  loggerHealth: call<ServiceHealth>()('logger', 'logger.health', {
    input: nothing,
    repeatable: 'always',
    description: 'Health of one logger',
  }),
} as const

/** What a caller passes. */
export type CallInput<C extends Call> = z.input<C['input']>
/** What the call's use case receives. */
export type CallRequest<C extends Call> = z.output<C['input']>
/** What the call answers. */
export type CallOutput<C extends Call> = C extends Call<z.ZodType, infer Output> ? Output : never

/** A row of the table by its key. */
export type CallName = keyof typeof CALLS
/** The calls that a service answers. */
export type CallNameOf<Service extends ServiceName> = {
  [Name in CallName]: (typeof CALLS)[Name]['service'] extends Service ? Name : never
}[CallName]

/** Whether a request may be sent again when its answer was lost. */
export function isRepeatable({ repeatable }: Call, input: unknown): boolean {
  if (repeatable !== 'with-identity') return repeatable === 'always'
  const { runs = [input] } = input as { runs?: readonly unknown[] }
  return runs.every(hasIdentity)
}

const hasIdentity = (run: unknown) =>
  typeof run === 'object' && run !== null && (('id' in run && run.id !== undefined) || ('key' in run && run.key !== undefined))
