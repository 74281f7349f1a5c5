import * as z from 'zod'
import { healthSchema, pageOf, refusalSchema } from './answers.ts'
import { backfillJobSchema, jobBackfillSchema } from './backfill.ts'
import { calendarInputSchema, calendarViewSchema } from './calendar.ts'
import { type Call, call, type ServiceName } from './call.ts'
import { nameField, runIdField } from './fields.ts'
import {
  cordonInstanceSchema,
  drainedSchema,
  drainInstanceSchema,
  instanceViewSchema,
  leaveSchema,
  registeredSchema,
  registerSchema,
  uncordonedSchema,
  uncordonInstanceSchema,
} from './instance.ts'
import { jobCheckedSchema, jobInputSchema, jobViewSchema } from './job.ts'
import { declareJobSchema, jobChangeSchema, jobDeclaredSchema, listJobChangesSchema } from './job-changes.ts'
import { chooseSlotSchema, dataSetSchema, jobMemorySchema, readMemorySchema, setDataSchema, slotChosenSchema } from './job-memory.ts'
import { RUN_STATES } from './lifecycle.ts'
import { LIMITS } from './limits.ts'
import { logViewSchema, queryLogsSchema } from './log.ts'
import {
  claimAnswerSchema,
  claimSchema,
  journalEntrySchema,
  journalSchema,
  mapSchema,
  resultsSchema,
  stepSchema,
  taskResultSchema,
} from './messages.ts'
import { jobPreviewSchema, previewJobSchema } from './preview.ts'
import {
  listRunsSchema,
  pruneRunsSchema,
  runsPrunedSchema,
  runTreeSchema,
  runViewSchema,
  startedRunSchema,
  startRunSchema,
  startRunsSchema,
  taskViewSchema,
  whyRunSchema,
} from './run.ts'
import { decideNodeSchema, listSignalsSchema, nodeDecidedSchema, signalRunSchema, signalSentSchema, signalViewSchema } from './signal.ts'

const byName = z.strictObject({ name: nameField })
const removeJobSchema = z.strictObject({
  name: nameField,
  /** Delayed runs are not cancelled with their job. */
  keepRuns: z.boolean().default(false),
})
const byNode = z.strictObject({ runId: nameField, node: nameField })
const byRun = z.strictObject({ runId: runIdField })
const nothing = z.strictObject({})
const page = z.strictObject({ cursor: z.string().max(200).optional(), limit: z.int().min(1).max(LIMITS.pageSize).default(100) })

/** Every call of the wire. Controllers, SDK, CLI, docs/PROTOCOL.md and docs/schemas derive from this table. */
export const CALLS = {
  jobsPut: call('coordinator', 'jobs.put', {
    input: jobInputSchema,
    repeatable: 'never',
    answer: jobViewSchema,
    description: 'Create a job, or replace the one of that name',
  }),
  jobsCheck: call('coordinator', 'jobs.check', {
    input: jobInputSchema,
    repeatable: 'always',
    answer: jobCheckedSchema,
    description: 'Whether jobs.put would accept a job, but for a circle of afterJobs; nothing is stored',
  }),
  jobsGet: call('coordinator', 'jobs.get', { input: byName, repeatable: 'always', answer: jobViewSchema, description: 'One job' }),
  jobsList: call('coordinator', 'jobs.list', {
    input: page,
    repeatable: 'always',
    answer: pageOf(jobViewSchema),
    description: 'Jobs by name',
  }),
  jobsPreview: call('coordinator', 'jobs.preview', {
    input: previewJobSchema,
    repeatable: 'always',
    answer: jobPreviewSchema,
    description: 'The next slots of a job or of a schedule, and what would have been missed',
  }),
  jobsBackfill: call('coordinator', 'jobs.backfill', {
    input: backfillJobSchema,
    repeatable: 'always',
    answer: jobBackfillSchema,
    description: 'Fire the slots of a past range; those that have a run keep it',
  }),
  jobsPause: call('coordinator', 'jobs.pause', {
    input: z.strictObject({ name: nameField, note: z.string().max(1_000).optional() }),
    repeatable: 'never',
    answer: jobViewSchema,
    description: 'Take no further slots',
  }),
  jobsResume: call('coordinator', 'jobs.resume', {
    input: byName,
    repeatable: 'never',
    answer: jobViewSchema,
    description: 'Take slots again, from now on',
  }),
  jobsDeclare: call('coordinator', 'jobs.declare', {
    input: declareJobSchema,
    repeatable: 'always',
    answer: jobDeclaredSchema,
    description: 'Create or replace a job that code declares, unless its version is old or an operator has edited the job',
  }),
  jobsRelease: call('coordinator', 'jobs.release', {
    input: byName,
    repeatable: 'never',
    answer: jobViewSchema,
    description: 'Give a job that was edited back to the code that declares it: its newest declaration is in force',
  }),
  jobsHistory: call('coordinator', 'jobs.history', {
    input: listJobChangesSchema,
    repeatable: 'always',
    answer: pageOf(jobChangeSchema),
    description: 'Who changed a job, when and what, newest first; also of one that was removed',
  }),
  jobsRemove: call('coordinator', 'jobs.remove', {
    input: removeJobSchema,
    repeatable: 'never',
    answer: z.object({ removed: z.literal(true) }),
    description: 'Remove a job; runs that wait for their time end',
  }),
  jobsRun: call('coordinator', 'jobs.run', {
    input: startRunSchema,
    repeatable: 'with-identity',
    answer: startedRunSchema,
    description: 'Start one run',
  }),
  calendarsPut: call('coordinator', 'calendars.put', {
    input: calendarInputSchema,
    repeatable: 'never',
    answer: calendarViewSchema,
    description: 'Create a calendar, or replace the one of that name',
  }),
  calendarsGet: call('coordinator', 'calendars.get', {
    input: byName,
    repeatable: 'always',
    answer: calendarViewSchema,
    description: 'One calendar',
  }),
  calendarsList: call('coordinator', 'calendars.list', {
    input: page,
    repeatable: 'always',
    answer: pageOf(calendarViewSchema),
    description: 'Calendars by name',
  }),
  calendarsRemove: call('coordinator', 'calendars.remove', {
    input: byName,
    repeatable: 'never',
    answer: z.object({ removed: z.literal(true) }),
    description: 'Remove a calendar',
  }),
  runsStart: call('coordinator', 'runs.start', {
    input: startRunsSchema,
    repeatable: 'with-identity',
    answer: z.object({ runs: z.array(z.union([startedRunSchema, refusalSchema])).readonly() }),
    description: 'Start up to 1,000 runs, each with an outcome of its own',
  }),
  runsGet: call('coordinator', 'runs.get', { input: byRun, repeatable: 'always', answer: runViewSchema, description: 'One run' }),
  runsWhy: call('coordinator', 'runs.why', {
    input: byRun,
    repeatable: 'always',
    answer: whyRunSchema,
    description: 'Why a run is in its state, in one sentence: what holds it back, and until when',
  }),
  runsList: call('coordinator', 'runs.list', {
    input: listRunsSchema,
    repeatable: 'always',
    answer: pageOf(runViewSchema),
    description: 'Runs, newest first',
  }),
  runsTasks: call('coordinator', 'runs.tasks', {
    input: z.strictObject({ ...byRun.shape, state: z.enum(RUN_STATES).optional(), ...page.shape }),
    repeatable: 'always',
    answer: pageOf(taskViewSchema),
    description: 'Tasks of a fan-out run, in order; a single run has none',
  }),
  runsTree: call('coordinator', 'runs.tree', {
    input: byRun,
    repeatable: 'always',
    answer: runTreeSchema,
    description: 'A fan-out run at a glance: how far it is, what failed, what is slow',
  }),
  runsCancel: call('coordinator', 'runs.cancel', {
    input: byRun,
    repeatable: 'never',
    answer: runViewSchema,
    description: 'Cancel an open run',
  }),
  runsRetry: call('coordinator', 'runs.retry', {
    input: z.strictObject({
      ...byRun.shape,
      only: z.enum(['failed']).optional(),
      fromStep: nameField.optional(),
      fromNode: nameField.optional(),
      node: nameField.optional(),
    }),
    repeatable: 'never',
    answer: runViewSchema,
    description:
      'Run an ended run again, with new tries; of a fan-out run all of them, or those that failed; of a run with steps from a step on, of a workflow from a node on, or one node',
  }),
  runsSkipNode: call('coordinator', 'runs.skipNode', {
    input: byNode,
    repeatable: 'always',
    answer: runViewSchema,
    description:
      'Let a node of a workflow do nothing: one that has not begun, waits, or did not succeed; what follows it goes on, also in a run that had ended',
  }),
  runsSucceedNode: call('coordinator', 'runs.succeedNode', {
    input: z.strictObject({ ...byNode.shape, result: z.unknown().optional() }),
    repeatable: 'always',
    answer: runViewSchema,
    description:
      'Let a node of a workflow that did not succeed count as one that did, with this result; what follows it goes on, also in a run that had ended',
  }),
  runsStopNode: call('coordinator', 'runs.stopNode', {
    input: byNode,
    repeatable: 'never',
    answer: runViewSchema,
    description: 'Cancel a node of a workflow that is under way; what does not follow it goes on',
  }),
  runsSignal: call('coordinator', 'runs.signal', {
    input: signalRunSchema,
    repeatable: 'with-identity',
    answer: signalSentSchema,
    description: 'Send a signal to a run: kept until something in it waits for it, also when the run has not been started yet',
  }),
  runsSignals: call('coordinator', 'runs.signals', {
    input: listSignalsSchema,
    repeatable: 'always',
    answer: pageOf(signalViewSchema),
    description: 'The signals of a run: taken, kept, or unclaimed because there is no such run so far',
  }),
  runsApprove: call('coordinator', 'runs.approve', {
    input: decideNodeSchema,
    repeatable: 'always',
    answer: nodeDecidedSchema,
    description: 'Approve a node of a workflow that waits for it: what follows the node goes on',
  }),
  runsReject: call('coordinator', 'runs.reject', {
    input: decideNodeSchema,
    repeatable: 'always',
    answer: nodeDecidedSchema,
    description: 'Reject a node of a workflow that waits for an approval: the node fails',
  }),
  runsPrune: call('coordinator', 'runs.prune', {
    input: pruneRunsSchema,
    repeatable: 'never',
    answer: runsPrunedSchema,
    description: 'Remove ended runs that were kept for their time, for some seconds; `next` leads to the rest',
    deadlineMs: 60_000,
  }),
  tasksClaim: call('coordinator', 'tasks.claim', {
    input: claimSchema,
    repeatable: 'always',
    answer: claimAnswerSchema,
    description: 'Ask whether redelivered work is still wanted',
  }),
  tasksMap: call('coordinator', 'tasks.map', {
    input: mapSchema,
    repeatable: 'always',
    answer: z.object({ created: z.int() }),
    description: 'A running task of a map asks for a task for each item',
  }),
  tasksResults: call('coordinator', 'tasks.results', {
    input: resultsSchema,
    repeatable: 'always',
    answer: pageOf(taskResultSchema),
    description: 'What a reduce or merge task has to reduce',
  }),
  tasksStep: call('coordinator', 'tasks.step', {
    input: stepSchema,
    repeatable: 'always',
    answer: z.object({ stored: journalEntrySchema }),
    description: 'A running task stores a step that it has done',
  }),
  tasksJournal: call('coordinator', 'tasks.journal', {
    input: journalSchema,
    repeatable: 'always',
    answer: pageOf(journalEntrySchema),
    description: 'What the steps of a task have done, in order',
  }),
  tasksNext: call('coordinator', 'tasks.next', {
    input: chooseSlotSchema,
    repeatable: 'always',
    answer: slotChosenSchema,
    description: 'A running task chooses when its job fires next',
  }),
  tasksData: call('coordinator', 'tasks.data', {
    input: setDataSchema,
    repeatable: 'always',
    answer: dataSetSchema,
    description: 'A running task replaces what the runs of its job keep for each other',
  }),
  tasksMemory: call('coordinator', 'tasks.memory', {
    input: readMemorySchema,
    repeatable: 'always',
    answer: jobMemorySchema,
    description: 'What the earlier runs of a task’s job have left: data, and the last result',
  }),
  coordinatorHealth: call('coordinator', 'coordinator.health', {
    input: nothing,
    repeatable: 'always',
    answer: healthSchema,
    description: 'Health of one coordinator',
  }),
  coordinatorRebuild: call('coordinator', 'coordinator.rebuild', {
    input: nothing,
    repeatable: 'never',
    answer: z.object({ published: z.int() }),
    description: 'Publish again what the broker should hold and does not',
    deadlineMs: 120_000,
  }),
  instancesRegister: call('registry', 'instances.register', {
    input: registerSchema,
    repeatable: 'always',
    answer: registeredSchema,
    description: 'An executor registers its handlers',
  }),
  instancesLeave: call('registry', 'instances.leave', {
    input: leaveSchema,
    repeatable: 'always',
    answer: z.object({ left: z.literal(true) }),
    description: 'An executor leaves',
  }),
  instancesList: call('registry', 'instances.list', {
    input: page,
    repeatable: 'always',
    answer: pageOf(instanceViewSchema),
    description: 'Live instances by id',
  }),
  instancesCordon: call('registry', 'instances.cordon', {
    input: cordonInstanceSchema,
    repeatable: 'always',
    answer: instanceViewSchema,
    description: 'Give an instance no more work',
  }),
  instancesUncordon: call('registry', 'instances.uncordon', {
    input: uncordonInstanceSchema,
    repeatable: 'always',
    answer: uncordonedSchema,
    description: 'Give an instance work again, also one that is gone',
  }),
  instancesDrain: call('registry', 'instances.drain', {
    input: drainInstanceSchema,
    repeatable: 'always',
    answer: drainedSchema,
    description: 'Cordon an instance, and say whether it still holds tasks',
  }),
  registryHealth: call('registry', 'registry.health', {
    input: nothing,
    repeatable: 'always',
    answer: healthSchema,
    description: 'Health of one registry',
  }),
  logsQuery: call('logger', 'logs.query', {
    input: queryLogsSchema,
    repeatable: 'always',
    answer: pageOf(logViewSchema),
    description: 'Log lines of a run',
  }),
  loggerHealth: call('logger', 'logger.health', {
    input: nothing,
    repeatable: 'always',
    answer: healthSchema,
    description: 'Health of one logger',
  }),
} as const

/** What a caller passes. */
export type CallInput<C extends Call> = z.input<C['input']>
/** What the call's use case receives. */
export type CallRequest<C extends Call> = z.output<C['input']>
/** What the call answers. */
export type CallOutput<C extends Call> = z.output<C['answer']>

/** A row of the table by its key. */
export type CallName = keyof typeof CALLS
/** The calls that a service answers. */
export type CallNameOf<Service extends ServiceName> = {
  [Name in CallName]: (typeof CALLS)[Name]['service'] extends Service ? Name : never
}[CallName]
