export type { AccountStore, AuditQuery, AuditStore } from './account-port.ts'
export type {
  AuditRecord,
  LinkPurpose,
  LinkRecord,
  Membership,
  SessionRecord,
  TokenRecord,
  UserRecord,
} from './account-records.ts'
export type {
  AlertChannelStore,
  AlertRuleStore,
  DeliveryStore,
  IncidentStore,
  IncidentsQuery,
  RevisedStore,
} from './alert-ports.ts'
export type {
  AlertChannelRecord,
  AlertRuleRecord,
  ChannelState,
  DeliveryRecord,
  IncidentRecord,
  Occurrence,
} from './alert-records.ts'
export { createFolder } from './create-folder.ts'
export type { GateHolder, GateRecord, GateSeal } from './gate-records.ts'
export type { CalendarHead, CalendarRecord, JobChangeRecord } from './job-records.ts'
export { changeId } from './job-records.ts'
export type { DeadLetterHead, DeadLetterRecord, FailedTry } from './letter-records.ts'
export type { LogRecord } from './log-records.ts'
export { type OpenStoreOptions, openStore } from './open-store.ts'
export type {
  CalendarStore,
  CoordinatorStore,
  DeadLetterStore,
  Due,
  DueQuery,
  GateChange,
  GateStore,
  InsertOutcome,
  JobMove,
  JobStore,
  LifeChange,
  LifeExpectation,
  LifeStore,
  LogStore,
  NamedTally,
  ProgramTally,
  RollupChange,
  RollupsQuery,
  RunStore,
  SignalChange,
  SignalStore,
  StatsStore,
  StepStore,
  Store,
  StoreKind,
  Tally,
  TaskQuery,
  TaskStore,
  UpdateOutcome,
  WaitingQuery,
} from './ports.ts'
export type {
  CoordinatorRecord,
  JobRecord,
  LifeHead,
  Plan,
  Routing,
  RunArrival,
  RunHead,
  RunPlace,
  RunRecord,
  StepRecord,
  StreamPlace,
  TaskHead,
  TaskLife,
  TaskNode,
  TaskRecord,
  Terms,
} from './records.ts'
export type { Refusals, Resume } from './resume-records.ts'
export type { AgedRun, AgedRunsQuery, JobPosition, RetentionStore, RunPosition, Tombstone } from './retention-port.ts'
export type { LogQuery, LogSearchQuery, LogSlice, RunFilter, RunListQuery, RunSlice } from './search-port.ts'
export { SHARES, shareOf } from './shares.ts'
export type { SignalRecord } from './signal-records.ts'
export type { PageQuery, Slice } from './slice.ts'
export {
  type ChangeValue,
  type Distribution,
  type ErrorValue,
  type GaugeValue,
  type OpenRun,
  type OpenTask,
  ROLLUP_LEVELS,
  type RollupLevel,
  type RollupRecord,
  type RollupSum,
  type RollupValues,
  rollupId,
} from './stats-records.ts'
export { maskStoreUrl } from './store-url.ts'
export type { WebhookStore } from './webhook-port.ts'
export type { WebhookRecord, WebhookSecret } from './webhook-records.ts'
