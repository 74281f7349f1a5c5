import type { RunState } from '@carillon/contracts'
import type { AccountStore, AuditStore } from './account-port.ts'
import type { AlertChannelStore, AlertRuleStore, DeliveryStore, IncidentStore } from './alert-ports.ts'
import type { GateRecord } from './gate-records.ts'
import type { CalendarHead, CalendarRecord, JobChangeRecord } from './job-records.ts'
import type { DeadLetterHead, DeadLetterRecord } from './letter-records.ts'
import type { LogRecord } from './log-records.ts'
import type { Due, DueQuery, InsertOutcome, UpdateOutcome } from './queries.ts'
import type {
  CoordinatorRecord,
  JobRecord,
  RunArrival,
  RunHead,
  RunPlace,
  RunRecord,
  StepRecord,
  TaskHead,
  TaskLife,
  TaskRecord,
  TaskResultRecord,
} from './records.ts'
import type { RetentionStore } from './retention-port.ts'
import type { LogQuery, LogSearchQuery, LogSlice, RunCount, RunCountQuery, RunListQuery, RunSlice } from './search-port.ts'
import type { SignalRecord } from './signal-records.ts'
import type { PageQuery, Slice } from './slice.ts'
import type { OpenRun, OpenTask, RollupLevel, RollupRecord, RollupSum } from './stats-records.ts'
import type { WebhookStore } from './webhook-port.ts'

export type { Due, DueQuery, InsertOutcome, UpdateOutcome }

/** The engine behind the ports. */
export type StoreKind = 'sqlite' | 'mongodb'

/**
 * The persistence ports. What every adapter must guarantee, proven by the conformance cases of `./testing`:
 *
 * - A write that was answered survives `kill -9` of any process.
 * - Every write is conditional and touches one document. Bulks are unordered, with an outcome per item in the order of the input;
 *   an item that is refused or a duplicate does not affect the others. Several items of one id take effect in the order of the input.
 * - Transient engine errors (write conflict, deadlock, step-down) are retried inside; what remains is a `CarillonError`
 *   STORE_UNAVAILABLE, STORE_READ_ONLY or STORE_FULL.
 * - No record with an undefined, NaN or infinite value is written: the adapter throws INTERNAL, naming the field, before anything of
 *   the call is stored. Inside of objects (`error`, `progress`, `backoff`, `schedule`) a property that is undefined is absent.
 * - Text is kept as UTF-8: JSON text letter for letter; a lone surrogate (which JSON text written by `JSON.stringify` never has) may
 *   come back as U+FFFD. Cursors are opaque; one that a list did not give out is INVALID_REQUEST.
 */
export interface Store {
  readonly kind: StoreKind
  /** Created with the store and never changed: it identifies the store whose work a broker holds. */
  readonly id: string
  readonly jobs: JobStore
  readonly calendars: CalendarStore
  readonly changes: ChangeStore
  readonly gates: GateStore
  readonly runs: RunStore
  readonly tasks: TaskStore
  readonly steps: StepStore
  readonly signals: SignalStore
  readonly logs: LogStore
  readonly deadLetters: DeadLetterStore
  readonly alertRules: AlertRuleStore
  readonly alertChannels: AlertChannelStore
  readonly incidents: IncidentStore
  readonly deliveries: DeliveryStore
  readonly webhooks: WebhookStore
  readonly retention: RetentionStore
  readonly stats: StatsStore
  readonly coordinators: CoordinatorStore
  readonly accounts: AccountStore
  readonly audit: AuditStore
  /** Writes and reads one small record. @throws CarillonError STORE_UNAVAILABLE, STORE_READ_ONLY, STORE_FULL */
  check(): Promise<void>
  /** The clock of the engine, ms since 1970; undefined where that is this machine's. @throws CarillonError STORE_UNAVAILABLE */
  time(): Promise<number | undefined>
  /** `sqlite` or `mongodb`, and where, without secrets. */
  describe(): string
  close(): Promise<void>
}

export interface JobStore {
  insert(job: JobRecord): Promise<InsertOutcome>
  /** @param maxBytes the answer ends before the record with which it would hold more, and is shorter than `ids` then; one it holds in any case */
  get(ids: readonly string[], maxBytes?: number): Promise<(JobRecord | undefined)[]>
  /** Replaces the whole record but its data if its stored revision is the expected one. */
  replace(job: JobRecord, expect: { revision: number }): Promise<UpdateOutcome>
  /** Moves many jobs to another slot, each if revision, slot and awaited run are still as expected. */
  advance(moves: readonly JobMove[]): Promise<UpdateOutcome[]>
  /** Replaces what the runs of a job keep for each other. */
  setData(id: string, data: string | null): Promise<UpdateOutcome>
  /** Deletes a job if its stored revision is the expected one. */
  remove(id: string, expect: { revision: number }): Promise<UpdateOutcome>
  /** By name, ascending. */
  list(query: PageQuery & { namespace: string }): Promise<Slice<JobRecord>>
  /** Jobs of all namespaces that other jobs or events fire, by id. */
  triggered(query: PageQuery): Promise<Slice<JobRecord>>
  /** Jobs with wakeAt <= until in these shares, earliest first. */
  due(query: DueQuery): Promise<Due[]>
}

export interface JobMove {
  readonly id: string
  readonly expect: Pick<JobRecord, 'revision' | 'nextSlotAt' | 'awaits'>
  readonly set: Pick<JobRecord, 'nextSlotAt' | 'wakeAt' | 'state' | 'awaits' | 'chosenSlotAt'> & { readonly lastRunId?: string }
}

export interface ChangesQuery extends Omit<PageQuery, 'cursor'> {
  readonly jobId: string
  /** Infinity: any. */
  readonly below: number
}

/** The changes of jobs that newer ones have superseded; the newest one is in the job itself. */
export interface ChangeStore {
  insert(change: JobChangeRecord): Promise<InsertOutcome>
  /** Those of a job with lower revisions, newest first. */
  list(query: ChangesQuery): Promise<{ items: JobChangeRecord[]; isMore: boolean }>
  /** Deletes the changes of a job with lower revisions. */
  trim(query: { jobId: string; below: number }): Promise<void>
  /** Deletes changes of any job that were made before then, the oldest first, at most `limit`; answers how many. */
  removeOlder(query: { before: number; limit: number }): Promise<number>
}

export interface CalendarStore {
  insert(calendar: CalendarRecord): Promise<InsertOutcome>
  get(ids: readonly string[]): Promise<(CalendarRecord | undefined)[]>
  /** Replaces the whole record if its stored revision is the expected one. */
  replace(calendar: CalendarRecord, expect: { revision: number }): Promise<UpdateOutcome>
  /** If its stored revision is the expected one. */
  remove(id: string, expect: { revision: number }): Promise<UpdateOutcome>
  /** By name, ascending. */
  list(query: PageQuery & { namespace: string }): Promise<Slice<CalendarHead>>
}

/** Which runs have a place where not all may run at once. */
export interface GateStore {
  get(ids: readonly string[]): Promise<(GateRecord | undefined)[]>
  /** Inserts or replaces, each if the stored revision is as expected. */
  put(changes: readonly GateChange[]): Promise<UpdateOutcome[]>
  remove(gates: readonly { readonly id: string; readonly revision: number }[]): Promise<UpdateOutcome[]>
  /** wakeAt <= until in these shares, earliest first. */
  due(query: DueQuery): Promise<Due[]>
  /** Hands out the next `count` numbers of a job, each once; answers the first. From 0; there may be gaps. */
  takeOrder(id: string, count: number): Promise<number>
}

export interface GateChange {
  readonly gate: GateRecord
  /** The stored revision; null: there is no such gate. */
  readonly expect: number | null
}

/** Retries of calls that the mesh has given up. */
export interface DeadLetterStore {
  insert(letters: readonly DeadLetterRecord[]): Promise<InsertOutcome[]>
  get(ids: readonly string[]): Promise<(DeadLetterRecord | undefined)[]>
  /** Replaces the whole record if its stored revision is the expected one. */
  replace(letter: DeadLetterRecord, expect: { revision: number }): Promise<UpdateOutcome>
  /** Deletes a letter if its stored revision is the expected one. */
  remove(id: string, expect: { revision: number }): Promise<UpdateOutcome>
  /** Newest first, of one scene or of all. */
  list(query: PageQuery & { namespace: string; scene?: string | undefined }): Promise<Slice<DeadLetterHead>>
  /** Deletes letters of any namespace that are older, the oldest first, at most `limit`; answers how many. */
  removeOlder(query: { before: number; limit: number }): Promise<number>
}

/** What a conditional write expects. An absent field is not compared. */
export interface LifeExpectation {
  /** A write for one namespace cannot touch the records of another. */
  readonly namespace?: string
  readonly state: readonly RunState[]
  readonly attempt?: number
  /** The stored owner is one of these (null = none). */
  readonly owner?: readonly (string | null)[]
  readonly target?: string | null
  readonly wakeAt?: number | null
  /** A column of runs only. */
  readonly gate?: string | null
}

export interface LifeChange {
  readonly id: string
  readonly expect: LifeExpectation
  /** `mapped` is a column of tasks only, `mode` and those that follow of runs. */
  readonly set: Partial<TaskLife> & { readonly mapped?: 1 } & Partial<
      Pick<RunRecord, 'mode' | 'terms' | 'gate' | 'gateKey' | 'gateOrder' | 'generations' | 'compensation'>
    > &
    Partial<Pick<TaskRecord, 'node' | 'context' | 'contextBytes'>>
}

/**
 * What runs and tasks have in common. A scan, a list or a decision reads heads; the whole of a record is read where it is used, a few at a
 * time.
 */
export interface LifeStore<Item extends Head, Head> {
  insert(items: readonly Item[]): Promise<InsertOutcome[]>
  /** @param maxBytes the answer ends before the record with which it would hold more, and is shorter than `ids` then; one it holds in any case */
  get(ids: readonly string[], maxBytes?: number): Promise<(Item | undefined)[]>
  heads(ids: readonly string[]): Promise<(Head | undefined)[]>
  update(changes: readonly LifeChange[]): Promise<UpdateOutcome[]>
  /** wakeAt <= until in these shares, earliest first. */
  due(query: DueQuery): Promise<Due[]>
  /** State `queued` with from <= queuedAt < before, oldest first. */
  queued(query: PageQuery & { from: number; before: number }): Promise<Slice<Head>>
  /** How many have a queuedAt < before: those that are queued. By an index alone, so a million cost tens of milliseconds. */
  queuedCount(query: { before: number }): Promise<number>
  /** How many open ones are bound to each program, by program and state. By an index of these alone. */
  programs(namespace: string): Promise<ProgramTally[]>
  /** State `running` or `cancelling` with this owner and, as all of these have, a wakeAt. */
  ownedBy(query: PageQuery & { namespace: string; owner: string }): Promise<Slice<Head>>
}

export interface ProgramTally {
  readonly program: string
  readonly state: RunState
  readonly count: number
  /** The lowest `pinnedAt` among them. */
  readonly pinnedAt: number | null
}

export interface RunStore extends LifeStore<RunRecord, RunHead> {
  /**
   * By `time`, then id. A filter that no index serves is tested on a limited number of runs: such a page may hold fewer than `limit`, even none, and still have a
   * cursor.
   */
  list(query: RunListQuery): Promise<RunSlice>
  /** How many there are, up to `atMost`; of a filter that no index serves among a limited number of runs: `cursor` leads to the others. */
  count(query: RunCountQuery): Promise<RunCount>
  /** Child runs of the tasks of a run, by task, then id. */
  children(query: PageQuery & { of: string }): Promise<Slice<RunHead>>
  /** Child runs that have ended at or after `from`, by the time of their end, then id. By an index of child runs alone. */
  endedChildren(query: PageQuery & { from: number }): Promise<Slice<RunHead>>
  /** What decides whether runs still have a place at a gate. */
  places(ids: readonly string[]): Promise<(RunPlace | undefined)[]>
  /** Runs that wait at gates, for each query those of one key in the order of their arrival. By an index of waiting runs alone. */
  waiting(queries: readonly WaitingQuery[]): Promise<RunHead[][]>
  /** The same with what decides about their places alone. */
  arrivals(queries: readonly WaitingQuery[]): Promise<RunArrival[][]>
  /** The first keys behind `after` that have waiting runs, ascending by their bytes. Its cost does not grow with the runs of a key. */
  waitingKeys(query: { gate: string; after: string | null; limit: number }): Promise<string[]>
}

export interface WaitingQuery {
  readonly gate: string
  /** As in `RunRecord.gateKey`. */
  readonly key: string
  readonly limit: number
  /** Passes over so many. */
  readonly skip?: number
  /** The last to arrive come first. */
  readonly isNewestFirst?: boolean
}

export interface TaskStore extends LifeStore<TaskRecord, TaskHead> {
  /** Tasks of a run, or those in one state, by id. */
  list(query: TaskListQuery): Promise<Slice<TaskHead>>
  /** The same with all that they hold. */
  listWhole(query: TaskListQuery): Promise<Slice<TaskRecord>>
  /** The same with nothing but their results. */
  results(query: TaskListQuery): Promise<Slice<TaskResultRecord>>
  /** How many tasks of a run are in one of these states, counted up to `atMost`. */
  countUpTo(query: TaskQuery & { states: readonly RunState[]; atMost: number }): Promise<number>
  /** How many tasks of a run there are of each kind. Scans all of them, by an index alone. */
  tally(query: TaskQuery): Promise<Tally[]>
  /** The names of a run's tasks, and how many there are in each state. Scans and sorts all of them. */
  names(runId: string): Promise<NamedTally[]>
  /** The leaf that has this many before it, by id, among those that succeeded. */
  leafAt(query: TaskQuery & { rank: number }): Promise<string | undefined>
  /** Ended tasks of a run, those that took longest first. Scans all of them. */
  slowest(query: { runId: string; limit: number }): Promise<TaskHead[]>
}

export type TaskListQuery = TaskQuery & PageQuery & { readonly state?: RunState | undefined }

/** Tasks of a run. */
export interface TaskQuery {
  readonly runId: string
  /** Only ids from this one on. */
  readonly from?: string | undefined
  /** Only ids below this one. */
  readonly before?: string | undefined
  /** Only tasks that have made none. */
  readonly isLeaf?: boolean | undefined
}

/** Tasks of a run that have these in common. */
export interface Tally {
  readonly mapped: number
  readonly state: RunState
  readonly count: number
}

export interface NamedTally {
  readonly name: string | null
  readonly state: RunState
  readonly count: number
}

export interface StepStore {
  insert(steps: readonly StepRecord[]): Promise<InsertOutcome[]>
  get(ids: readonly string[]): Promise<(StepRecord | undefined)[]>
  /** Steps of a task by id. */
  list(query: PageQuery & { taskId: string }): Promise<Slice<StepRecord>>
}

export interface SignalChange {
  readonly id: string
  readonly expect: Pick<SignalRecord, 'takenBy'>
  readonly set: Partial<Pick<SignalRecord, 'takenBy' | 'unclaimed' | 'expiresAt' | 'wakeAt'>>
}

/** Another namespace may have sent signals for the same id. */
export interface SignalsOf {
  readonly namespace: string
  readonly runId: string
}

export interface SignalStore {
  insert(signals: readonly SignalRecord[]): Promise<InsertOutcome[]>
  get(ids: readonly string[]): Promise<(SignalRecord | undefined)[]>
  /** Of a run, by id. */
  list(query: PageQuery & SignalsOf): Promise<Slice<SignalRecord>>
  /** Those of a name that nothing has taken, in the order of their arrival. */
  open(query: SignalsOf & { readonly name: string; readonly limit: number }): Promise<SignalRecord[]>
  /** What this one has taken, by id. */
  takenBy(taker: string): Promise<SignalRecord[]>
  /** Each is written if it is taken by what is expected. */
  update(changes: readonly SignalChange[]): Promise<UpdateOutcome[]>
  /** What of a run nothing has taken. */
  usage(of: SignalsOf): Promise<{ readonly count: number; readonly bytes: number }>
  /** How many that nothing has taken came before their run, counted up to `atMost`. */
  countUnclaimed(query: { readonly namespace: string; readonly atMost: number }): Promise<number>
  remove(ids: readonly string[]): Promise<void>
  /** wakeAt <= until in these shares, earliest first. */
  due(query: DueQuery): Promise<Due[]>
}

export interface LogStore {
  /** Lines are identified by (taskId, attempt, seq): an existing one is not changed. */
  insert(lines: readonly LogRecord[]): Promise<void>
  /** By (at, taskId, attempt, seq). With a filter a page may hold fewer than `limit`, even none, and still have a cursor. */
  query(query: LogQuery): Promise<Slice<LogRecord>>
  /** Lines of all runs, newest first. Of warnings and errors an index has all; else a limited number of lines is read for each page. */
  search(query: LogSearchQuery): Promise<LogSlice>
  /** Deletes lines older than `before`, at most `limit`; answers how many. */
  removeOlder(query: { before: number; limit: number }): Promise<number>
  /** Deletes the oldest lines of a run beyond the newest `keep`, at most `limit`; answers how many. */
  trim(query: { namespace: string; runId: string; keep: number; limit: number }): Promise<number>
}

export interface CoordinatorStore {
  /** Inserts or replaces. */
  put(record: CoordinatorRecord): Promise<void>
  list(): Promise<CoordinatorRecord[]>
  remove(id: string): Promise<void>
}

/** An interval of one level, from `from` on and before `before`. */
export interface RollupsQuery {
  readonly namespace: string
  readonly level: RollupLevel
  readonly from: number
  readonly before: number
}

export interface RollupChange {
  readonly rollup: RollupRecord
  /** The stored revision; null: there is none. */
  readonly expect: number | null
}

/** What was counted of runs that have ended, and what is read to count those that are open. */
export interface StatsStore {
  get(ids: readonly string[]): Promise<(RollupRecord | undefined)[]>
  /** Inserts or replaces, each if the stored revision is as expected. */
  put(changes: readonly RollupChange[]): Promise<UpdateOutcome[]>
  /** Those of one scope, by time. */
  series(query: RollupsQuery & { readonly scope: string }): Promise<RollupRecord[]>
  /** Every scope but `*`, added up: `limit` at most, the most failures first. */
  sums(query: RollupsQuery & { readonly limit: number }): Promise<RollupSum[]>
  /** Deletes those of a level and any namespace that begin before, the oldest first, at most `limit`; answers how many. */
  removeOlder(query: { level: RollupLevel; before: number; limit: number }): Promise<number>
  /**
   * Open runs of any namespace, by an index of these alone: `queued` the longest first, `due` those with a `wakeAt` the soonest first, `waiting` at gates,
   * `paused`.
   */
  openRuns(query: { by: 'queued' | 'due' | 'waiting' | 'paused'; limit: number }): Promise<OpenRun[]>
  openTasks(query: { by: 'queued' | 'due'; limit: number }): Promise<OpenTask[]>
}
