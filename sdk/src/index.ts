/** Carillon for a service's process: offer handlers, start runs. See `connect`. */
export { CALLS, CarillonError, type HttpNodeRequest, type HttpResponse } from '@carillon/contracts'
export { type NatsSettings, natsSettingsFrom, type TlsSettings } from '@carillon/wire'
export type { ManyRuns, ManyRunsChanged, ManyRunsOptions } from './client/bulk.ts'
export type { CallOptions } from './client/caller.ts'
export type { Client, CordonOptions, RunOutcome, SendOptions, StatsQuestion } from './client/client.ts'
export type { List, ListQuery } from './client/list.ts'
export type { EventFilter, MeshEvent } from './client/mesh-event.ts'
export type { ResultOptions, RunHandle } from './client/run-handle.ts'
export type { SignalOptions } from './client/send-signal.ts'
export type { BackoffInput, DelayBackoffInput, RunOptions, RunRequest } from './client/start-item.ts'
export type { Tail } from './client/tail.ts'
export type { CallOf, FanOutOptions, JobOf, OwnOptions, RequestOf, WorkflowCallOf } from './client/typed-calls.ts'
export type { WorkflowJob, Workflows, WorkflowToPut, WorkflowView } from './client/workflows.ts'
export { type ConnectOptions, connect, type OutboxOptions } from './connect.ts'
export { ChildRunFailed, type ChildRunOptions, type DetachedRun } from './executor/child-run-failed.ts'
export type { HandlerOptions } from './executor/handler.ts'
export { NonRetryableError, RetryAfterError } from './executor/handler-errors.ts'
export type { ItemSchemas, MapDefinition, MapReduceDefinition } from './executor/map-handler.ts'
export type { SchemaInput, SchemaOutput, StandardSchema } from './executor/standard-schema.ts'
export type { StepOptions, WaitOptions } from './executor/steps.ts'
export type { StepContext, StepDefinition } from './executor/steps-handler.ts'
export type { LogFields, MapContext, ReduceContext, Shard, TaskContext, TaskLog } from './executor/task-context.ts'
export {
  type AnyHandler,
  defineHandler,
  type FanOutResult,
  type HandlerDefinition,
  type HandlerSettings,
  type PayloadOf,
  type ResultOf,
} from './handler-definition.ts'
export type { Jsonable, Jsonify, NotJson } from './json.ts'
export type { Mesh } from './mesh.ts'
export type { TimeOrDuration } from './moment.ts'
export type { JobDeclaration, MapOptions, OfferOptions, Offers } from './offers.ts'
export type { RetryableOptions, RetryCallbackOptions, RetryStrategy } from './retry/retry-options.ts'
export { type RetryScope, retryHeaders, retryScope, withRetryHeaders } from './retry/retry-scope.ts'
export type { Deferred, Retried } from './retry/retryable.ts'
export type { MongoDatabase, MongoSession, OutboxDocument } from './transactional/mongodb-outbox.ts'
export type { PostgresClient } from './transactional/postgres-outbox.ts'
export {
  type OutboxPlace,
  type OutboxRelay,
  type OutboxStart,
  outboxSql,
  type TransactionalOutbox,
} from './transactional/transactional-outbox.ts'
export type { OnWarning, Warning } from './warning.ts'
export {
  type AnyWorkflow,
  type Finished,
  type PayloadBy,
  type WorkflowBuilder,
  type WorkflowDefinition,
  type WorkflowSettings,
  workflow,
} from './workflow-definition.ts'
export type { Branch, DecisionNode, HandlerNode, HttpNode, NodeCompensation, NodeSettings, WaitNode } from './workflow-nodes.ts'
