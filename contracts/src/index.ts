/**
 * The wire of Carillon: subjects, messages, states, error codes, limits. Schemas only, no I/O.
 *
 * Words: a *namespace* is a tenant; a *job* a definition; a *run* one firing of a job or of a handler called directly; a *task* one unit of
 * work handed to one executor; an *attempt* one try of a task, from 1; a *handler* a function an executor offers by name; an *instance* one
 * live executor process; a *slot* a planned fire time of a job.
 */

export { type AdminLink, adminLinkSchema } from './account.ts'
export type {
  AlertChannel,
  AlertChannelInput,
  AlertChannelView,
  ChannelTarget,
  ChannelTested,
} from './alert-channel.ts'
export {
  type AlertRule,
  type AlertRuleInput,
  type AlertRuleView,
  type AlertTerms,
  alertRuleInputSchema,
  type QuietHours,
  termsOf,
  WEEKDAYS,
} from './alert-rule.ts'
export { ALERT_SCENES, type AlertScene, SCENE_TRAITS } from './alert-scenes.ts'
export type { ErrorBody, Page, ServiceHealth } from './answers.ts'
export {
  type AuditEntry,
  type AuditOrigin,
  auditChanges,
  auditEventSchema,
  auditInput,
  auditOriginSchema,
  auditResource,
  isAudited,
} from './audit.ts'
export { type BackfillJob, backfillJobSchema, type JobBackfill, jobBackfillSchema } from './backfill.ts'
export { type Backoff, backoffMs, backoffSchema, DEFAULT_BACKOFF, type DelayBackoff, isExcluded, stepPolicySchema } from './backoff.ts'
export { BUILT_IN_HANDLERS } from './built-in-handlers.ts'
export { BULK_ACTIONS, type BulkAction } from './bulk-actions.ts'
export { type CalendarInput, type CalendarView, calendarInputSchema } from './calendar.ts'
export { type Call, isRepeatable, type Repeatable, type ServiceName } from './call.ts'
export { CALLS, type CallInput, type CallName, type CallNameOf, type CallOutput, type CallRequest } from './calls.ts'
export { causeText, type Explained } from './cause.ts'
export { CHANNEL_KINDS, type ChannelKind, MESSAGE_LANGUAGES, type MessageLanguage, NEEDED_SECRETS, SECRET_FIELDS } from './channel-kinds.ts'
export { type ChildRunCall, type ChildRunView, childRunSchema, childRunViewSchema } from './child-run.ts'
export type { DeadLetter } from './dead-letter.ts'
export { HORIZON_MS, parseDuration } from './duration.ts'
export { ERROR_CODES, type ErrorCode, type ErrorDefinition } from './error-codes.ts'
export { CarillonError, type ErrorDetails, type ErrorProblem, messageOf, printable } from './errors.ts'
export { type FieldChange, fieldChanges } from './field-changes.ts'
export { durationField, instantField, nameField, parseInput, parseInstant, problemsIn, runIdField } from './fields.ts'
export {
  type Batch,
  COALESCED_PAYLOADS,
  type CoalescedPayload,
  type Debounce,
  GATING_FIELDS,
  type Gating,
  OVERLAPS,
  type Overlap,
  type Rate,
  type Throttle,
} from './gating.ts'
export type { HandlerView } from './handler-view.ts'
export { CALL_HEADERS, checkBy, checkHeaders, HEADERS, SIGNAL_HEADERS, TRIGGER_HEADERS } from './headers.ts'
export { countText } from './hints.ts'
export {
  HTTP_HANDLER,
  HTTP_TIMEOUT_MAX_MS,
  HTTP_TIMEOUT_MS,
  type HttpNodeRequest,
  type HttpRequest,
  type HttpResponse,
  httpRequestSchema,
  httpResponseSchema,
  isPlainUrl,
} from './http-request.ts'
export { HTTP_ROUTES, type HttpRoute, ROLES, type Role } from './http-routes.ts'
export {
  childTaskId,
  createIdSource,
  isTaskId,
  MAP_CALLS,
  nodeOfTask,
  nodeTaskId,
  RUN_ID,
  runIdOfTask,
  type Stage,
  stageOf,
  stageStart,
  stageTaskId,
  TASK_ID,
  taskIdOf,
  timeLetters,
  undoneByTask,
  undoStart,
  undoTaskId,
} from './ids.ts'
export {
  INCIDENT_STATES,
  type IncidentDelivery,
  type IncidentExample,
  type IncidentPhrase,
  type IncidentState,
  type IncidentView,
  type ListIncidents,
  type Transition,
} from './incident.ts'
export {
  type Beat,
  beatSchema,
  type Cordon,
  cordonSchema,
  type Drained,
  type HandlerInfo,
  type InstanceView,
  type Presence,
  presenceSchema,
  type Registered,
  type Registration,
  registerSchema,
} from './instance.ts'
export {
  type EventTrigger,
  type FailureBackoff,
  type JobChecked,
  type JobInput,
  type JobState,
  type JobStats,
  type JobView,
  jobInputSchema,
  type ParentJob,
} from './job.ts'
export {
  type DeclareJob,
  declareJobSchema,
  JOB_CHANGES,
  type JobChange,
  type JobChangeKind,
  type JobDeclared,
} from './job-changes.ts'
export { refuseCycle } from './job-cycle.ts'
export type { ChooseSlot, JobMemory, SetData } from './job-memory.ts'
export { type Json, parseJson, type WriteLimit, writeJson } from './json.ts'
export { type Direction, jsonSchemaOf } from './json-schema.ts'
export { parseBody, UnacceptableJson } from './json-text.ts'
export {
  ENDED_STATES,
  type EndedState,
  isEnded,
  LIFECYCLE,
  nextState,
  OPEN_STATES,
  REASONS,
  type Reason,
  RUN_EVENTS,
  RUN_STATES,
  type RunEvent,
  type RunState,
  statesBefore,
} from './lifecycle.ts'
export { ALONE_AFTER, LIMITS, POISON_AFTER, TIMES } from './limits.ts'
export {
  type LinesFound,
  type LogLine,
  type LogMessage,
  type LogView,
  logMessageSchema,
  queryLogsSchema,
  readLogMessage,
  type SearchLogs,
} from './log.ts'
export { LOG_LEVELS, type LogLevel } from './log-levels.ts'
export { MESSAGES, type Message } from './message-table.ts'
export {
  type AssignmentAnswer,
  assignmentAnswerSchema,
  type Blame,
  type ClaimAnswer,
  type Control,
  controlSchema,
  type FinishedReport,
  type Hung,
  hungSchema,
  type JournalEntry,
  type JournalPage,
  liveGateSchema,
  liveJobSchema,
  type MapCall,
  type OfferAnswer,
  type RejectedEvent,
  type Report,
  type RunEndedEvent,
  reportSchema,
  runEndedSchema,
  type StepCall,
  type TaskClaim,
  type TaskResult,
  type Wait,
  type WorkMessage,
} from './messages.ts'
export { checkName, isName, NAME_RULE, RESERVED_NAMES } from './names.ts'
export { kindOf, NODE_KINDS, NODE_STATES, type NodeKind, type NodeState } from './node-kind.ts'
export { parseReport } from './parse-report.ts'
export {
  type HandlerKind,
  NAMED_MODES,
  type NamedMode,
  OWN_TASK_NAMES,
  PRIORITIES,
  type Priority,
  planFields,
  RUN_MODES,
  type RunMode,
  type Tolerance,
} from './plan.ts'
export { type JobPreview, jobPreviewSchema, type PreviewJob, previewJobSchema } from './preview.ts'
export {
  type DeclaredStep,
  declaredProgram,
  handlerOfProgram,
  isProgramVersion,
  isUndeclared,
  type MoveChoice,
  PROGRAM_VERSION_RULE,
  type ProgramView,
  programField,
  programOfOffer,
  type RunMoved,
  takesProgram,
  undeclaredProgram,
  versionedProgram,
} from './program.ts'
export { PROTOCOL_VERSION } from './protocol.ts'
export { keyReason, recordField } from './record-field.ts'
export { type FailedTry, parseRetryMark, RETRY_MARK_HINT, type Retry, type RetryCallback, retryMark } from './retry.ts'
export { ROUTES, type Route, routingFields } from './routing.ts'
export {
  type Failure,
  type Progress,
  parseStartRun,
  type RunStage,
  type RunsPruned,
  type RunTree,
  type RunTrigger,
  type RunView,
  type StartedRun,
  type StartRun,
  startRunSchema,
  type TaskView,
  type TreeNode,
  type WhyRun,
} from './run.ts'
export {
  type AppliedFilter,
  addParts,
  type BulkRuns,
  type CountRuns,
  type ListRuns,
  NO_PARTS,
  type RunFilter,
  type RunsBulk,
  type RunsBulkSum,
  type RunsCounted,
  type RunsListed,
  UNSUCCESSFUL_STATES,
} from './run-search.ts'
export { type CalendarUse, isDay, type Schedule, scheduleSchema, TIME_OF_DAY } from './schedule.ts'
export {
  approvalSignalSchema,
  type NodeDecided,
  SIGNAL_STATES,
  type SignalSent,
  type SignalView,
  signalRunSchema,
} from './signal.ts'
export type {
  ErrorGroup,
  StatsCompared,
  StatsCounts,
  StatsDurations,
  StatsGate,
  StatsGauges,
  StatsJob,
  StatsMark,
  StatsOverview,
  StatsPoint,
  StatsQueue,
  StatsQueues,
  StatsRanked,
} from './stats.ts'
export {
  STATS_COMPARISONS,
  STATS_MARK_KINDS,
  STATS_RANGES,
  type StatsComparison,
  type StatsMarkKind,
  type StatsRange,
  WAITING_REASONS,
  type WaitingReason,
} from './stats-names.ts'
export {
  cordonedKey,
  cordonKey,
  PRESENCE_BUCKET,
  PRESENCE_STREAM,
  SERVICE_CONSUMERS,
  STREAMS,
  type StreamDefinition,
  type StreamName,
  workConsumer,
  workFilter,
  workOfRunFilter,
} from './streams.ts'
export { DEFAULT_NAMESPACE, type EventNoun, parseSubject, SUBJECT_ROOT, subjects } from './subjects.ts'
export { hasText, withoutTerminalCodes } from './terminal-text.ts'
export { VERSION } from './version.ts'
export {
  type Compensation,
  compensationOf,
  handlerOf,
  type NodeWait,
  type Workflow,
  type WorkflowNode,
  workflowSchema,
} from './workflow.ts'
export { branchesOf, type Edge, type Graph, graphOf, nodesHint } from './workflow-graph.ts'
export { workflowProblems } from './workflow-problems.ts'
export {
  convertJobDurations,
  inMilliseconds,
  JOB_DURATIONS,
  jobInMilliseconds,
  NODE_DURATIONS,
  RETRY_DURATIONS,
  type WrittenDurations,
} from './written-durations.ts'
