import type {
  BackfillJob,
  Beat,
  CarillonError,
  Control,
  EventNoun,
  HandlerKind,
  Presence as InstancePresence,
  OfferAnswer,
  Progress,
  RunState,
  StartedRun,
  StartRun,
} from '@carillon/contracts'
import type { Expression } from '@carillon/expressions'
import type { InsertOutcome, JobRecord, RunHead, RunRecord, StreamPlace, TaskRecord, UpdateOutcome } from '@carillon/store'
import type { RuledJob } from './gates/rules/requested-rules.ts'
import type { Place, WokenJob } from './jobs/rules/job.ts'
import type { Change, RunChange, TaskChange } from './runs/rules/change.ts'
import type { Decision } from './runs/rules/decision.ts'
import type { Caller } from './runs/rules/running-task.ts'
import type { StartItem } from './runs/rules/start-item.ts'
import type { EndedRun, MovedTask, TaskToDo } from './runs/rules/views.ts'
import type { TaskOfRun, WholeWork, Work } from './runs/rules/work.ts'
import type { Judge } from './schedules/rules/exclusions.ts'
import type { ServiceVersion } from './stats/rules/marks.ts'

// The ports by which one room of the coordinator uses another. A room imports these and what is pure in other rooms (`rules/`); `compose.ts` connects them.

/** A record with a `wakeAt`. */
export type WakeKind = 'jobs' | 'runs' | 'tasks' | 'gates' | 'signals'

/** Wakes what is due soon. What is due later is found in the store. */
export interface Timers {
  arm(kind: WakeKind, due: { readonly id: string; readonly wakeAt: number }): void
}

/** A write that queues a task, whose message the broker has not confirmed yet. */
export interface Expectation {
  readonly taskId: string
  readonly attempt: number
}

/** The work messages of queued tasks: a writer that queues a task publishes its message here. Provided by `dispatch/`. */
export interface WorkQueue {
  /** Before a task is written as queued: until its message is confirmed, the checkpoint stays behind it. */
  expect(task: { readonly id: string; readonly attempt: number; readonly queuedAt: number | null }): Expectation
  /** Nothing was written: no message is needed. */
  release(expectation: Expectation | undefined): void
  /** Whether anything was written is not known: the repair publishes the message if it is needed. */
  leaveToRepair(expectation: Expectation | undefined): void
  /** The broker did not confirm the message of a task, or it must be read again before: the repair publishes it if it is still needed. */
  unconfirmed(taskId: string, why: string): void
  /** Publishes the message of a queued task; a repetition is harmless while it is queued. */
  publish(work: Work): void
  /** The task needs no message any more, or has it. */
  settled(taskId: string): void
  /** Removes a task's message, if it is there. */
  withdraw(work: Work): Promise<void>
  /** Removes the messages of all tasks of a fan-out run. */
  withdrawAll(run: RunHead): Promise<void>
  /** Resolves when few tasks wait to be published: a writer that creates many waits for it before the next page. */
  room(): Promise<void>
  /** Messages that the broker has not confirmed yet. */
  readonly outstanding: number
}

/** What is known of messages that the broker has not confirmed: for the repair, which publishes missing ones. Provided by `dispatch/`. */
export interface UnconfirmedWork extends Pick<WorkQueue, 'settled'> {
  /** Tasks whose publish was refused or had no answer. */
  readonly unconfirmedIds: ReadonlySet<string>
  /** Whether a task is still to be read and published here. */
  willPublish(taskId: string): boolean
  /** Whether this coordinator has queued a task, and has no answer for its message. */
  expects(taskId: string): boolean
  /** Publishes the message of a task that has none in the stream. */
  publish(work: Work, options: { readonly again: boolean; readonly knownAt?: number }): void
  /** Waits for room to publish more, and reads the first of these tasks completely; also when they were read, on the monotonic clock. */
  readNext(ids: readonly string[]): Promise<{ readonly works: (WholeWork | undefined)[]; readonly knownAt: number }>
  /** Everything that was queued before this time is confirmed; now when nothing is outstanding. */
  publishedBefore(): number
}

/** The messages that stream WORK holds. Provided by `dispatch/`. */
export interface StoredWork {
  /** Sequences by subject; a subject without a message is not there. */
  sequences(subjects: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Up to this sequence a consumer has acknowledged everything. */
  acknowledgedUpTo(consumer: string): Promise<number>
  delete(sequence: number): Promise<void>
}

/** Announces what ended or changed: events are stored in stream EVENTS, live signals are not. Provided by `runs/`. */
export interface Events {
  /** Resolves when the broker has confirmed the terminal events. @throws CarillonError NATS_UNAVAILABLE */
  runsEnded(runs: readonly EndedRun[]): Promise<void>
  /** The same, unless the broker has that event: of an end that was stored before. @param read the run with its result */
  runEndedBefore(run: RunHead, read: () => Promise<EndedRun | undefined>): Promise<void>
  changed(noun: EventNoun, options: { namespace: string; name: string; what: string; body: object }): void
  created(runs: readonly RunHead[]): void
  live(run: RunHead, what: string, progress?: Progress): void
  /** Tasks of a fan-out run were written together. */
  tasksMoved(run: Pick<RunHead, 'namespace' | 'id'>, tasks: readonly MovedTask[]): void
}

/** Counts ends whose events are stored, with the sequences of these as far as they are known. Provided by `stats/`. */
export interface EndsCounter {
  count(runs: readonly RunHead[], sequences: readonly (number | undefined)[]): void
}

/** A live instance that offers a handler. */
export type OfferingInstance = Pick<InstancePresence, 'instance' | 'labels' | 'capacity' | 'session' | 'assignments' | 'handlers'>

/** Live instances and the handlers that they offer, answered from memory. Provided by `dispatch/`. */
export interface Presence {
  /** Instances that may be given tasks of a handler, by id: all that offer it but the hung and the cordoned ones. */
  offering(namespace: string, handler: string): readonly OfferingInstance[]
  /** Live instances that may hold tasks of a handler, by id: all that offer it. */
  holding(namespace: string, handler: string): readonly OfferingInstance[]
  /** Whether some instance may be given tasks of a handler. */
  offers(namespace: string, handler: string): boolean
  /** The mode of a handler's runs, as the newest instance announced it. */
  kindOf(namespace: string, handler: string): HandlerKind | undefined
  /** Names of every handler that is offered in a namespace. */
  handlers(namespace: string): string[]
  /** Namespaces with live instances. */
  namespaces(): string[]
  /** Live instances of a namespace. */
  count(namespace: string): number
  /** The services of live instances in a namespace, and the handlers that each offers. */
  services(namespace: string): ReadonlyMap<string, ReadonlySet<string>>
  /** The versions of the services of live instances in a namespace. */
  versions(namespace: string): readonly ServiceVersion[]
  /** Alive, but every slot is held by a stuck handler, or nothing comes of its tasks: nothing is routed to it. */
  isHung(namespace: string, instance: string): boolean
  /** How long nothing had come of its tasks when the registry declared it hung for that, if it did. */
  hungIdleMs(namespace: string, instance: string): number | undefined
  /** An operator wants nothing to be routed to it; it keeps what it runs. */
  isCordoned(namespace: string, instance: string): boolean
  /** Whether an instance is present; any may be while the view is not complete. @param session of the process that is meant; null: any */
  isPresent(namespace: string, instance: string, session?: string | null): boolean
  /** Whether an instance is known to be gone, after the view was complete for long enough. */
  isLost(namespace: string, instance: string, session?: string | null): boolean
  /** Whether the process that has registered with this session is present. */
  holds(namespace: string, instance: string, session: string | null): boolean
  /** The session of the process that has this name. */
  sessionOf(namespace: string, instance: string): string | undefined
  /** This process was suspended until less than 10 s ago (SIGSTOP, a machine that slept), and instances may have been as well. */
  readonly stoodStill: boolean
}

/** Every write of a run, and what follows from it: commit, then publish. Provided by `runs/`. */
export interface Runs {
  /** Runs by id, from memory where they were written recently. */
  known(ids: readonly string[]): Promise<(RunHead | undefined)[]>
  /**
   * Writes new runs and publishes their work; answers per run.
   * @param options.answerFirst resolve as soon as they are stored, while their work is being published
   * @param options.until called when they are stored; their work is published when it resolves, but of those whose ids it answers
   */
  insert(
    runs: readonly RunRecord[],
    options?: { answerFirst?: boolean; until?: () => Promise<ReadonlySet<string>> },
  ): Promise<readonly (InsertOutcome | CarillonError)[]>
  /**
   * Writes decisions; answers per item. Resolves when terminal events are with the broker.
   * @param options.until called when they are written: runs that have ended are kept until it resolves
   */
  write(changes: readonly RunChange[], options?: { until?: () => Promise<void> }): Promise<readonly (UpdateOutcome | CarillonError)[]>
  /** A queued run that was cancelled must not start: removes its message, and notifies instances that may hold it already. */
  withdraw(run: RunHead): Promise<void>
  /** Ends runs about which nothing can be decided. @throws CarillonError when not even that can be stored */
  endFaulty(faulty: readonly { run: RunHead; error: CarillonError }[]): Promise<void>
  control(namespace: string, instance: string, control: Control): void
}

/** Changes of runs that follow the run that they are within. Provided by `runs/`. */
export interface ChildChanges {
  cancelWithin(child: RunHead): Promise<void>
  /** Answers whether it is paused: one that cannot be now goes on. */
  pauseWithin(child: RunHead): Promise<boolean>
  resumeWithin(child: RunHead): Promise<void>
}

/** Every write of a task of a fan-out run, and what follows from it. Provided by `runs/`. */
export interface Tasks {
  /** Inserts tasks, queued or waiting; answers which of them were not there. What follows from it is up to `follow`. */
  insert(tasks: readonly TaskRecord[]): Promise<TaskRecord[]>
  /** The publishes and timers that inserted tasks need. */
  follow(run: RunHead, tasks: readonly TaskRecord[]): void
  /** Whether they are to be published is not known: the repair decides. */
  unconfirmed(tasks: readonly TaskRecord[]): void
  /** Writes decisions; answers per item. */
  write(changes: readonly TaskChange[]): Promise<readonly (UpdateOutcome | CarillonError)[]>
}

/** Writes changes of a task, in the record that holds its life. Provided by `runs/`. */
export interface Lives {
  /** Tasks by id: those of single runs from memory where they were written recently. */
  known(ids: readonly string[]): Promise<(Work | undefined)[]>
  /** Drops them from memory, so that they are read from the store. */
  forget(ids: readonly string[]): void
  /**
   * Writes decisions; answers per item.
   * @param options.isRepeated the caller repeats the call if this process dies before it answers. Else a `wakeAt` stays with a run that ends until its
   *   terminal event was published
   */
  write(changes: readonly Change[], options?: { isRepeated: boolean }): Promise<readonly (UpdateOutcome | CarillonError)[]>
  /** Ends tasks about which nothing can be decided or stored. @throws CarillonError when not even that can be stored */
  endFaulty(faulty: readonly Faulty[]): Promise<void>
  /** The same end was reported again: publishes its event and messages, which may have been lost. */
  repeatEnd(work: Work): Promise<void>
}

/** The tasks on whose behalf executors call. Provided by `runs/`. */
export interface RunningTasks {
  /** @throws CarillonError RUN_NOT_FOUND */
  find(namespace: string, taskId: string): Promise<Work>
  /** The task of a caller that runs it. @throws CarillonError RUN_NOT_FOUND, TASK_NOT_RUNNING */
  running(namespace: string, caller: Caller, states: readonly RunState[]): Promise<Work>
  /**
   * The same from memory if that agrees with the caller, which spares a read. Another coordinator may have ended the attempt since: for what does no harm then.
   * @throws CarillonError RUN_NOT_FOUND, TASK_NOT_RUNNING
   */
  ranRecently(namespace: string, caller: Caller, states: readonly RunState[]): Promise<Work>
}

/** What follows for a job from the end of one of its runs. Provided by `schedules/` and `jobs/`. */
export interface RunEnds {
  /** Returns at once; a failure is logged. */
  ended(run: RunHead): void
}

/** The gates that runs of some jobs have to pass. Provided by `gates/`. */
export interface Gates {
  /** A run waits at its gate. Returns at once; a failure is logged. */
  arrived(run: RunHead): void
  /** The rules of a job are others now, or gone: what waits at its gates is checked. */
  rulesChanged(job: { readonly namespace: string; readonly name: string }): Promise<void>
}

/** Where new runs wait. Provided by `gates/`. */
export interface Placement {
  /** The rules that a request gives. @throws CarillonError INVALID_REQUEST */
  requested(namespace: string, of: { request: StartRun; job: JobRecord | undefined }): RuledJob | undefined
  /**
   * The run at the gate that its job, or its request, has for it: it waits there, unless it is delayed.
   * @param published the place of the message that fires it
   * @throws CarillonError EXPRESSION_FAILED
   */
  atGate(run: RunRecord, job: RuledJob | undefined, published?: StreamPlace): RunRecord
  /** Gives runs that have just arrived their numbers; they have to be stored next. */
  ordered(runs: readonly RunRecord[]): Promise<readonly RunRecord[]>
  /** The number of one that arrives now. */
  order(run: RunHead): Promise<number>
  /** The gate at which a run arrives that is retried by hand: that of the limits that there are now, null where there are none; of a batch the same as before, because the handler takes lists. */
  again(run: RunHead): Promise<Partial<Pick<RunHead, 'gate' | 'gateKey'>>>
  /** The same for a delayed run whose time has come, if its job has been given limits since. */
  due(run: RunHead): Promise<Partial<Pick<RunHead, 'gate' | 'gateKey'>>>
  /** The run of a slot whose job says nothing about overlap. @param last the open run that it waits for */
  slot(run: RunRecord, job: JobRecord, last: RunHead | undefined): RunRecord
  /** The run of a past slot that is fired on purpose: it waits, and so many of them are open at once. */
  backfilled(run: RunRecord, job: JobRecord, backfill: BackfillJob): RunRecord
  /** Gives open runs, which have started without one, a place at the gate of their job's slots: what waits for them is inserted next. */
  holdFor(waits: readonly { readonly job: JobRecord; readonly last: RunHead }[]): Promise<void>
}

/** Checks runs that have waited at a gate for a while. Provided by `gates/`. */
export interface WaitingChecks {
  /** Lets their gates wake up instead of them; what is to be written of the runs. */
  settled(runs: readonly RunHead[]): Promise<RunChange[]>
  /** Checks gates that would wake too late, because a clock was wrong. */
  late(gateIds: readonly string[]): Promise<void>
}

/** Requests for runs. Provided by `runs/`. */
export interface Starts {
  /** The outcome of each, in order. @throws CarillonError of the store */
  execute(items: readonly StartItem[]): Promise<(StartedRun | CarillonError)[]>
}

/** A task about which nothing can be decided or stored. */
export interface Faulty {
  readonly work: Work
  readonly error: CarillonError
}

/** Advances fan-out runs as far as possible. Provided by `runs/`. */
export interface Reconciler {
  /** Returns at once; a failure is logged. */
  soon(runId: string): void
}

/** Offers tasks to the instances that they are routed to. Provided by `dispatch/`. */
export interface Offers {
  /** Returns at once; a failure is logged. */
  soon(leg: TaskOfRun): void
  /** The decision about a leg whose instance is gone. */
  loss(leg: TaskOfRun): Promise<TaskChange>
  /** The same for a leg whose instance has reported that it dies: the instance may still be present, and is ignored. */
  afterDeath(change: TaskChange): Promise<TaskChange>
}

/** The answer of an instance; undefined: none in time. `not-received`: it is not connected now. */
export type OfferOutcome = OfferAnswer | 'not-received' | undefined

/** Offers a task to one instance. Provided by `dispatch/`. */
export interface OfferSender {
  send(run: RunRecord, task: RunRecord | TaskToDo, target: string): Promise<OfferOutcome>
}

/** Gives each queued task of a run with routing its instance. Provided by `routing/`. */
export interface Routes {
  /** A task was queued. Returns at once; a failure is logged. */
  soon(work: Work): void
  /** The decision about a queued one whose `wakeAt` has come. */
  check(work: Work): Decision
  /** A decision about one was stored. @param work as it was before */
  written(work: Work, decision: Decision): void
}

/** Which live instances may have the tasks of a run. Provided by `routing/`. */
export interface Matching {
  /** Their names, in order. */
  names(run: Pick<RunHead, 'namespace' | 'handler' | 'routing'>): readonly string[]
  /** Why none of those that offer its handler may have one of its tasks now; undefined: one may, or none offers it. */
  whyNone(run: Pick<RunHead, 'namespace' | 'handler' | 'routing'>): string | undefined
}

/** The compiled expressions of routing, by their texts. Provided by `jobs/`. */
export interface Expressions {
  /** @throws CarillonError INVALID_EXPRESSION */
  readonly where: { get(text: string): Expression<'boolean'> }
  readonly hashKey: { get(text: string): Expression<'key'> }
}

/** Ends the tasks of instances that live and do nothing, by their heartbeats. Provided by `recovery/`. */
export interface HungWatch {
  beat(namespace: string, instance: string, beat: Beat): void
}

/** How long the newest 100 successes of a job took on average, in ms, if there are any. Provided by `jobs/`. */
export type JobAverages = (job: Place & { readonly name: string }) => Promise<number | undefined>

/** Reports that are stored in the broker. Provided by `recovery/`. */
export interface Reports {
  /** Waits until every report that is stored now has been applied; false when that takes too long. */
  reportsApplied(signal: AbortSignal, withinMs?: number): Promise<boolean>
}

/** The jobs that use a calendar. Provided by `jobs/`. */
export interface CalendarUse {
  /** The name of one of them, if there is any. */
  userOf(namespace: string, calendar: string): Promise<string | undefined>
  /** Computes anew when they are woken: the days of the calendar have changed. */
  changed(namespace: string, calendar: string): Promise<void>
}

/** What decides which slots of a job may run. */
export type Judged = Pick<
  JobRecord,
  'namespace' | 'name' | 'schedule' | 'chosenSlotAt' | 'pauseAfterFailures' | 'failureBackoff' | 'resumedAt'
>

/** Jobs that react to failures of their runs. Provided by `jobs/`. */
export interface FailingJobs {
  /** Pauses the job of a run that has ended, or moves its next slot, if it is to. Returns at once; a failure is logged. */
  ended(run: RunHead): void
  /** Pauses those of these jobs that are to be paused; answers their ids. */
  paused(jobs: readonly JobRecord[]): Promise<ReadonlySet<string>>
  /** Until when each of these jobs is not fired, because its runs fail. */
  backoffsOf(jobs: readonly Judged[]): Promise<(number | null)[]>
}

/** What holds a run back at its gate, in one sentence; undefined: it does not wait at one. Provided by `gates/`. */
export type WhyAtGate = (run: RunHead) => Promise<string | undefined>

/** Which slots may run. Provided by `schedules/`. */
export interface SlotJudges {
  /** For each of these jobs. */
  judgesOf(jobs: readonly Judged[]): Promise<Judge[]>
}

/** Definitions of jobs, from memory where they were read recently. Provided by `jobs/`. */
export interface Jobs {
  find(places: readonly Place[]): Promise<(JobRecord | undefined)[]>
  /** The same for the first of these places: as many as there is room for where the jobs are large, one in any case. */
  findFirst(places: readonly Place[]): Promise<(JobRecord | undefined)[]>
  /** Those of these jobs that wake before `until`, as many as may be read at once: `rest` is to be requested again. */
  toFire(ids: readonly string[], until: number): Promise<{ jobs: WokenJob[]; rest: string[] }>
  keep(jobs: readonly JobRecord[]): void
  forget(namespace: string, name: string): void
}

/** The days of calendars, from memory where they were read recently. Provided by `calendars/`. */
export interface Calendars {
  /** Sets of `YYYY-MM-DD` by `<namespace>/<name>`; a calendar that there is not has none. */
  daysOf(places: readonly Place[]): Promise<ReadonlyMap<string, ReadonlySet<string>>>
  forget(namespace: string, name: string): void
}
