import * as z from 'zod'
import { adminLinkSchema } from './account.ts'
import { ALERT_CALLS } from './alert-calls.ts'
import { healthSchema, page, pageOf, refusalSchema } from './answers.ts'
import { type Call, call, type ServiceName } from './call.ts'
import { childRunSchema, childRunViewSchema } from './child-run.ts'
import { byLetterSchema, deadLetterSchema, listLettersSchema, redriveLetterSchema } from './dead-letter.ts'
import { nameField, runIdField } from './fields.ts'
import { handlerViewSchema, listHandlersSchema } from './handler-view.ts'
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
import { JOB_CALLS } from './job-calls.ts'
import { chooseSlotSchema, dataSetSchema, jobMemorySchema, readMemorySchema, setDataSchema, slotChosenSchema } from './job-memory.ts'
import { OPEN_STATES, RUN_STATES } from './lifecycle.ts'
import { logViewSchema, queryLogsSchema } from './log.ts'
import {
  claimAnswerSchema,
  claimSchema,
  journalEntrySchema,
  journalPageSchema,
  journalSchema,
  mapSchema,
  resultsSchema,
  runEndedSchema,
  stepSchema,
  taskResultSchema,
} from './messages.ts'
import { listProgramsSchema, moveRunSchema, programViewSchema, runMovedSchema } from './program.ts'
import {
  pruneRunsSchema,
  runsPrunedSchema,
  runTreeSchema,
  runViewSchema,
  startedRunSchema,
  startRunsSchema,
  taskViewSchema,
  whyRunSchema,
} from './run.ts'
import { SEARCH_CALLS } from './search-calls.ts'
import { decideNodeSchema, listSignalsSchema, nodeDecidedSchema, signalRunSchema, signalSentSchema, signalViewSchema } from './signal.ts'
import { STATS_CALLS } from './stats-calls.ts'

const byNode = z.strictObject({ runId: runIdField, node: nameField })
const byRun = z.strictObject({ runId: runIdField })
const openRunSchema = z.object({ runId: z.string(), state: z.enum(OPEN_STATES) })
const nothing = z.strictObject({})

/** Every call of the wire. Controllers, SDK, CLI, docs/PROTOCOL.md and docs/schemas derive from this table. */
export const CALLS = {
  ...JOB_CALLS,
  ...SEARCH_CALLS,
  runsStart: call('coordinator', 'runs.start', {
    input: startRunsSchema,
    repeatable: 'with-identity',
    answer: z.object({ runs: z.array(z.union([startedRunSchema, refusalSchema])).readonly() }),
    description: 'Start up to 1,000 runs, each with an outcome of its own',
  }),
  runsGet: call('coordinator', 'runs.get', { input: byRun, repeatable: 'always', answer: runViewSchema, description: 'One run' }),
  runsEnded: call('coordinator', 'runs.ended', {
    input: z.strictObject({ runIds: z.array(z.unknown()) }),
    repeatable: 'always',
    /** In the order of the ids: the body of its terminal event, its state while it is open, or why it cannot be read. Shorter than `runIds` where more would not fit: ask for the rest again. */
    answer: z.object({ runs: z.array(z.union([runEndedSchema, openRunSchema, refusalSchema])).readonly() }),
    description: 'Which of up to 1,000 runs have ended, and how: as their terminal events say it',
  }),
  runsWhy: call('coordinator', 'runs.why', {
    input: byRun,
    repeatable: 'always',
    answer: whyRunSchema,
    description: 'Why a run is in its state, in one sentence: what holds it back, and until when',
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
    /** `force`: what the nodes of a workflow have done is not undone any more. */
    input: z.strictObject({ ...byRun.shape, force: z.literal(true).optional() }),
    repeatable: 'never',
    answer: runViewSchema,
    description: 'Cancel an open run; with `force` a workflow ends without undoing what its nodes have done, also while it does',
  }),
  runsMove: call('coordinator', 'runs.move', {
    input: moveRunSchema,
    repeatable: 'never',
    answer: runMovedSchema,
    description: 'Let another program go on with a run in durable steps; or only answer which ones could',
  }),
  versionsList: call('coordinator', 'versions.list', {
    input: listProgramsSchema,
    repeatable: 'always',
    answer: z.object({ items: z.array(programViewSchema).readonly() }),
    description: 'The programs that go on with runs in durable steps, who has them, and how many open runs are bound to each',
  }),
  runsPause: call('coordinator', 'runs.pause', {
    input: byRun,
    repeatable: 'always',
    answer: runViewSchema,
    description: 'Pause an open run: what is under way ends, nothing new starts, and its limits of time stand still',
  }),
  runsResume: call('coordinator', 'runs.resume', {
    input: byRun,
    repeatable: 'always',
    answer: runViewSchema,
    description: 'Let a paused run go on; one that is open and not paused stays as it is',
  }),
  runsRetry: call('coordinator', 'runs.retry', {
    input: z.strictObject({
      ...byRun.shape,
      only: z.enum(['failed', 'compensation']).optional(),
      fromStep: nameField.optional(),
      fromNode: nameField.optional(),
      node: nameField.optional(),
    }),
    repeatable: 'never',
    answer: runViewSchema,
    description:
      'Run an ended run again, with new tries; of a fan-out run all of them, or those that failed; of a run with steps from a step on, of a workflow from a node on, one node, or only what is left to undo',
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
  deadLettersList: call('coordinator', 'deadLetters.list', {
    input: listLettersSchema,
    repeatable: 'always',
    answer: pageOf(deadLetterSchema),
    description: 'Retries of calls that the mesh has given up, newest first',
  }),
  deadLettersGet: call('coordinator', 'deadLetters.get', {
    input: byLetterSchema,
    repeatable: 'always',
    answer: deadLetterSchema,
    description: 'One dead letter, with its arguments and the tries that failed',
  }),
  deadLettersRedrive: call('coordinator', 'deadLetters.redrive', {
    input: redriveLetterSchema,
    repeatable: 'always',
    answer: startedRunSchema,
    description: 'Try a dead letter again as a new run, with the same or other arguments; a second request answers the same run',
  }),
  deadLettersRollback: call('coordinator', 'deadLetters.rollback', {
    input: byLetterSchema,
    repeatable: 'always',
    answer: runViewSchema,
    description: 'Undo the giving up: the same run goes on with new tries, and the letter is removed',
  }),
  deadLettersRemove: call('coordinator', 'deadLetters.remove', {
    input: byLetterSchema,
    repeatable: 'never',
    answer: z.object({ removed: z.literal(true) }),
    description: 'Remove a dead letter: nobody tries it again',
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
  tasksRun: call('coordinator', 'tasks.run', {
    input: childRunSchema,
    repeatable: 'always',
    answer: childRunViewSchema,
    description: 'A running task starts a child run, or asks how it is',
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
    answer: journalPageSchema,
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
  ...STATS_CALLS,
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
  handlersList: call('registry', 'handlers.list', {
    input: listHandlersSchema,
    repeatable: 'always',
    answer: pageOf(handlerViewSchema),
    description: 'Handlers that live instances offer, by name, with the schemas of their payloads',
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
  ...ALERT_CALLS,
  gatewayHealth: call('gateway', 'gateway.health', {
    input: nothing,
    repeatable: 'always',
    answer: healthSchema,
    description: 'Health of one gateway',
  }),
  accountsLink: call('gateway', 'accounts.link', {
    input: nothing,
    repeatable: 'never',
    answer: adminLinkSchema,
    description: 'A one-time link by which someone becomes an admin of every namespace, or sets the password of an account anew',
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
