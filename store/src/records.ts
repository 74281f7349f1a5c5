import type {
  Backoff,
  EventTrigger,
  Failure,
  FailureBackoff,
  Gating,
  JobChangeKind,
  JobState,
  ParentJob,
  Progress,
  Reason,
  Retry,
  Route,
  RunMode,
  RunState,
  RunTrigger,
  Schedule,
  Tolerance,
  Wait,
} from '@carillon/contracts'
import type { FailedTry } from './letter-records.ts'
import type { Refusals, Resume } from './resume-records.ts'

/** How a fan-out run is split into tasks. */
export interface Plan {
  /** Tasks of static shards; of a map-reduce its reduce tasks. */
  readonly shards?: number
  /** Tasks that may be under way at once. */
  readonly maxParallel?: number
  /** Failed tasks that do not fail the run. */
  readonly tolerate?: Tolerance
  /** After more failures than that no further task begins. */
  readonly failFast?: true
  /** The payload of each task is its item. */
  readonly each?: true
}

/** On which instances tasks may run, and how one of those is chosen. A job or a run that any instance may take has none. */
export interface Routing {
  /** Labels that an instance must have. */
  readonly labels?: Readonly<Record<string, string>>
  /** A CEL expression over labels and load. */
  readonly where?: string
  readonly route?: Exclude<Route, 'any'>
  readonly instances?: readonly string[]
  /** A CEL expression over the payload. */
  readonly hashKey?: string
  /** Of a run: what that expression resulted in. */
  readonly key?: string
}

/** Where, and when, a stream has stored a message. */
export interface StreamPlace {
  readonly stream: string
  readonly sequence: number
  /** By the clock of the broker. */
  readonly at: number
}

/** What a run has by its job or its request and few runs have: one column, null for all others. */
export interface Terms {
  /** Absent: normal. */
  readonly priority?: 'high' | 'low'
  /** Errors after which a task is not tried again. */
  readonly nonRetryable?: readonly string[]
  /** How long a run may take from its first start on. */
  readonly runTimeoutMs?: number
  /** Of a job: how long after it is due a run may start. */
  readonly deadlineMs?: number
  /** Of a run that another one has fired: that one. */
  readonly parent?: string
  /** The jobs that led to it. */
  readonly chain?: readonly string[]
  /** Of a child run: the jobs of the runs that it is within, the outermost first. */
  readonly ancestors?: readonly string[]
  /** Of a run: it must have started by then. */
  readonly deadlineAt?: number
  /** Of a run: it must have ended by then. */
  readonly endAt?: number
  /** Of the retry of a call. */
  readonly retry?: Retry
  /** The try of a retry that it is part of, as `scene/attempt`: what it calls is not retried by itself. */
  readonly withinRetry?: string
  /** Attempts that failed and were followed by another one, the last ones; of the retry of a call all that failed. */
  readonly failed?: readonly FailedTry[]
  /** Of a run that was requested for later: when it becomes due. */
  readonly dueAt?: number
  /** Of a run that waits for further triggers: when it arrived, if that was not when it was requested. */
  readonly arrivedAt?: number
  /** Of a run that waits for further triggers, and was fired by a message: its place, which decides whether it is the first or the last of them. */
  readonly published?: StreamPlace
  /** Of a run that was skipped because another one starts for it: that one. */
  readonly mergedInto?: string
  /** Of a paused run: since when, the state that it goes on in, when it would have woken, and whether it was paused with the run that it is within. */
  readonly paused?: {
    readonly at: number
    readonly from: 'delayed' | 'queued' | 'running'
    readonly wakeAt?: number
    readonly within?: true
  }
  /** How long it was paused until it was resumed. */
  readonly pausedMs?: number
  /** Of a run of a handler, whose request gives rules about how many may be open or start. */
  readonly rules?: Gating
}

/** What fires a job beside its schedule. */
export interface Triggers {
  readonly on?: EventTrigger
  readonly afterJobs?: ParentJob[]
}

/** A job as it is stored. Times are milliseconds since 1970, JSON of users is stored as text. */
export interface JobRecord {
  /** `<namespace>/<name>`. */
  readonly id: string
  readonly namespace: string
  readonly name: string
  readonly handler: string
  readonly state: JobState
  readonly description: string | null
  readonly schedule: Schedule | null
  /** JSON text. */
  readonly payload: string
  readonly mode: RunMode
  readonly plan: Plan | null
  /** JSON text of a list: an item for each shard. */
  readonly items: string | null
  readonly attempts: number
  readonly backoff: Backoff
  readonly timeoutMs: number | null
  readonly routing: Routing | null
  readonly terms: Terms | null
  /** What fires it beside its schedule; null: nothing. */
  readonly triggers: Triggers | null
  readonly misfire: 'once' | 'skip' | 'all'
  /** Null: the default. */
  readonly misfireAfterMs: number | null
  readonly pauseAfterFailures: number | null
  readonly failureBackoff: FailureBackoff | null
  /** Why it is paused. */
  readonly note: string | null
  /** When it was last resumed: failures before that do not count. */
  readonly resumedAt: number | null
  /** JSON text that its runs keep for each other; null: none. */
  readonly data: string | null
  /** Grows by one with each change of the definition. */
  readonly revision: number
  /** Part of the key space, see `shareOf`. */
  readonly share: number
  /** Next planned fire time while the job is active: the identity of its run. */
  readonly nextSlotAt: number | null
  /** When that slot is to be handled; the only timer. A postponement moves this, never `nextSlotAt`. */
  readonly wakeAt: number | null
  /** Of a fixed delay: the run whose end the next slot is counted from. */
  readonly awaits: string | null
  /** The slot that a run chose; the schedule goes on after it. */
  readonly chosenSlotAt: number | null
  /** How many of its runs may be open at once, and what becomes of the others; null: it says nothing. */
  readonly gating: Gating | null
  /** The run of the slot that was fired last. */
  readonly lastRunId: string | null
  /** The change that led to this revision; null: one of a version that kept none. */
  readonly change: { readonly kind: JobChangeKind; readonly by?: string } | null
  /** The highest version that code has declared, and whether an operator has changed the definition since; null: code declares nothing. */
  readonly declared: { readonly version: number; readonly isEdited: boolean } | null
  /** JSON text of what code has declared with that version. */
  readonly declaration: string | null
  /** JSON text: the graph of a workflow. */
  readonly graph: string | null
  readonly createdAt: number
  readonly updatedAt: number
}

/** The life of a task: of the only task of a single run it is part of the run's record. */
export interface TaskLife {
  readonly state: RunState
  readonly reason: Reason | null
  /** Number of the current try, from 1. With `owner` the fence: a report of another attempt is refused. */
  readonly attempt: number
  /** Total tries allowed; a manual retry raises it. */
  readonly attempts: number
  /** Instances lost in a row, of a cause that may be this task. */
  readonly losses: number
  /** Instances lost in a row of another, known cause; null: none. */
  readonly interruptions: number | null
  /** The instance whose `started` was stored last. */
  readonly owner: string | null
  /** The session of the owner, if it has reported one. Without an owner, that of the process to which its target was offered it, as far as it is known. */
  readonly ownerSession: string | null
  /** The instance that it is, or was last, offered to; null: any with room, or none is chosen yet. */
  readonly target: string | null
  readonly wakeAt: number | null
  /** Of a delayed run or task: how long it waits, counted from `delayMs` before `wakeAt`; null if it waits for a point in time. */
  readonly delayMs: number | null
  /** When the current attempt was queued; null in every other state, and of a task of a run with `routing`: it has no work message. */
  readonly queuedAt: number | null
  readonly progress: Progress | null
  /** JSON text. */
  readonly result: string | null
  readonly error: Failure | null
  /** When the current attempt began. */
  readonly startedAt: number | null
  /** When the first attempt since its creation or last manual retry began; null: it is the current one. */
  readonly firstStartedAt: number | null
  /** Attempts that only resumed after a sleep, of all that `attempt` and `attempts` count; null: none. */
  readonly sleeps: number | null
  readonly endedAt: number | null
  readonly resume: Resume | null
  /** Of one that is delayed because its steps wait for signals: what for; it may be of an earlier time in any other state. */
  readonly waits: readonly Wait[] | null
  /** The program that its steps began with; null: it has stored none. */
  readonly program: string | null
  /** Since when it waits for an instance of its own, because not every one that offers its handler may have it; kept while that runs it. Null: it goes through the queue. */
  readonly pinnedAt: number | null
  /** What has given it back since it was last moved or retried. */
  readonly refusedBy: Refusals | null
}

/** The life of a task without its result, which may be large. Its error has no stack. */
export type LifeHead = Omit<TaskLife, 'result'>

/** A run as it is stored. */
export interface RunRecord extends TaskLife {
  /** Derived from what makes the run unique. */
  readonly id: string
  readonly namespace: string
  readonly job: string | null
  readonly handler: string
  readonly mode: RunMode
  /** Of a fan-out run; fixed when the run was requested. */
  readonly plan: Plan | null
  /** JSON text of a list: an item for each shard. */
  readonly items: string | null
  readonly trigger: RunTrigger
  readonly key: string | null
  /** Of a run with a key: the request of its caller, as text or hash by field. */
  readonly asked: Readonly<Record<string, string>> | null
  /** Planned fire time. */
  readonly slot: number | null
  /** JSON text. */
  readonly payload: string
  readonly backoff: Backoff
  /** Tries each start or manual retry is given: what `attempts` was in the beginning. */
  readonly tries: number
  readonly timeoutMs: number | null
  /** Fixed when the run was requested. */
  readonly routing: Routing | null
  readonly terms: Terms | null
  readonly traceparent: string | null
  /** Who requested it, as that party names itself. */
  readonly by: string | null
  readonly createdAt: number
  readonly share: number
  /** The gate that it has to pass; null: none. */
  readonly gate: string | null
  /** JSON text of the key that it was given when it was requested; empty: its job has no expression. */
  readonly gateKey: string | null
  /** The number of its arrival at the gate. */
  readonly gateOrder: number | null
  /** JSON text: the graph of a workflow, as it was when the run was requested. */
  readonly graph: string | null
  /** Of a child run: the task that waits for it. */
  readonly parentTask: string | null
  /** Of a workflow: how often nodes have been run again, by their places in the graph; null: none has been. */
  readonly generations: Readonly<Record<string, number>> | null
  /**
   * Of a workflow, whether what its nodes have done is undone: at its end `complete` or `incomplete`; `cut`: no more is to be undone; `again`: it was retried
   * to undo the rest. Null: nothing is known about it.
   */
  readonly compensation: 'cut' | 'again' | 'complete' | 'incomplete' | null
}

/** A run without its payload and result, which may be large. Its error has no stack. */
export type RunHead = Omit<RunRecord, 'payload' | 'items' | 'graph' | 'result'>

/** What decides whether a run still has a place at its gate. */
export type RunPlace = Pick<RunRecord, 'id' | 'state' | 'gateOrder'>

/** What decides whether a waiting run gets a place. */
export type RunArrival = Pick<RunRecord, 'id' | 'slot' | 'gateKey' | 'gateOrder'>

/** What is particular to a task of a workflow. */
export interface TaskNode {
  /** What the task has of its own where others have what their run has. */
  readonly own?: Partial<Pick<RunRecord, 'handler' | 'tries' | 'backoff' | 'timeoutMs' | 'routing' | 'terms'>>
  /** The child run that the task waits for. */
  readonly child?: string
  /** That one has a task for each item of a list. */
  readonly list?: true
  /** That one had ended before: the task waits for an attempt of it after this one. */
  readonly after?: number
  /** Of a decision: the branch that was taken. */
  readonly branch?: number
  /** Of a wait: its run was paused at this time, and it would have woken then. */
  readonly frozen?: { readonly at: number; readonly wakeAt: number }
  /** Who skipped it, let it succeed, or decided about it. */
  readonly by?: string
  /** Of one that waited for a signal: the one that it has taken. */
  readonly signal?: string
  /** Of an approval: how it was decided. */
  readonly decision?: 'approved' | 'rejected'
  readonly note?: string
}

/** One task of a fan-out run: a broadcast leg, a shard, a step of a map. */
export interface TaskRecord extends TaskLife {
  /** Begins with `<runId>-`; the ids of a run sort in the order of its tasks. */
  readonly id: string
  readonly namespace: string
  readonly runId: string
  readonly index: number
  readonly share: number
  /** The number of tasks that were created with it. */
  readonly total: number
  /** Of a map: `root`, what a call to map named it, `reduce` or `merge`. */
  readonly name: string | null
  /** 1: it has created tasks, so it is no leaf. */
  readonly mapped: number
  /** JSON text of its item. */
  readonly item: string | null
  /** Of a workflow: what the task is; null: its handler and its rules are those of the run. */
  readonly node: TaskNode | null
  /** JSON text of an object: what it has added to the context of its workflow. */
  readonly context: string | null
  readonly contextBytes: number | null
}

/** A task without what may be large: its item, its result and what it adds to the context. Its error has no stack. */
export type TaskHead = Omit<TaskRecord, 'item' | 'result' | 'context'>

/** The fields of a task that a reduce reads: there are thousands of them. */
export type TaskResultRecord = Pick<TaskRecord, 'id' | 'result'>

/** One try of a step of a durable task, stored at its end; of a broadcast, the instance that one of its tasks has moved to. */
export interface StepRecord {
  /** `<taskId>.<index>.<epoch>.<try>`, padded, so that the records of a task sort in the order of its steps. */
  readonly id: string
  readonly namespace: string
  readonly taskId: string
  readonly index: number
  /** The restart that it came after, see `Resume`; 0 before any. */
  readonly epoch: number
  readonly try: number
  readonly attempt: number
  readonly name: string
  /** Of a wait for a signal `waiting`, and its outcome as the second try: `received` or `timed_out`. */
  readonly state: 'done' | 'failed' | 'sleeping' | 'waiting' | 'received' | 'timed_out'
  /** JSON text; of a signal with its payload also its id and who sent it. */
  readonly result: string | null
  readonly error: Failure | null
  /** 1: it is not tried again by itself. */
  readonly final: number
  /** Of a sleep; of a wait for a signal its time limit. */
  readonly until: number | null
  readonly at: number
}

/** The heartbeat that a live coordinator stores once a second. */
export interface CoordinatorRecord {
  readonly id: string
  /** Grows with each beat: readers judge liveness by its change, never by comparing clocks. */
  readonly beat: number
  /** Everything that this coordinator queued before this time (its own clock) was accepted by the broker. */
  readonly publishedBefore: number
}
