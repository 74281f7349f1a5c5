import {
  type BulkAction,
  CALLS,
  type CalendarInput,
  type CalendarView,
  type Call,
  type CallInput,
  type CallOutput,
  CarillonError,
  checkName,
  type DeadLetter,
  type Drained,
  type HandlerView,
  type InstanceView,
  type JobBackfill,
  type JobChange,
  type JobChecked,
  type JobInput,
  type JobPreview,
  type JobView,
  type JournalEntry,
  type LogView,
  type NodeDecided,
  type ProgramView,
  printable,
  type RunMoved,
  type RunState,
  type RunsCounted,
  type RunTree,
  type RunView,
  type SignalSent,
  type SignalView,
  type StartedRun,
  type StatsComparison,
  type StatsJob,
  type StatsOverview,
  type StatsQueues,
  type StatsRange,
  subjects,
  type TaskView,
  type WhyRun,
} from '@carillon/contracts'
import { checkObject } from '../check-object.ts'
import type { ClientLink } from '../connection/link.ts'
import { type AnyHandler, type FanOutResult, isDefinition, type PayloadOf, type ResultOf, requestOf } from '../handler-definition.ts'
import { type AnyWorkflow, isWorkflow } from '../workflow-definition.ts'
import { changeMany, type ManyRuns, type ManyRunsChanged, type ManyRunsOptions } from './bulk.ts'
import type { Caller, CallOptions } from './caller.ts'
import { type List, type ListQuery, listOf } from './list.ts'
import { type EventFilter, eventSubject, type MeshEvent, readEvent, readLogLines } from './mesh-event.ts'
import { RunEnds } from './run-ends.ts'
import { type RunHandle, runHandle } from './run-handle.ts'
import { RunStarter } from './run-starter.ts'
import { sendSignal } from './send-signal.ts'
import { type RunOptions, type RunRequest, startItemOf } from './start-item.ts'
import { Tail } from './tail.ts'
import {
  type CallOf,
  type FanOutOptions,
  type JobOf,
  jobInputOf,
  type OwnOptions,
  type RequestOf,
  type WorkflowCallOf,
} from './typed-calls.ts'
import { Workflows } from './workflows.ts'

/** The outcome of one item of a bulk start. */
export type RunOutcome<Result = unknown> =
  | { readonly ok: true; readonly run: RunHandle<Result> }
  | { readonly ok: false; readonly error: CarillonError }

/** How a start is sent: `giveUpAfterMs` (default 30,000) is the time for it to be accepted, not for the run. */
export interface SendOptions {
  readonly giveUpAfterMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** W3C trace context to continue, for those without OpenTelemetry; a handler has it as `ctx.traceparent`. */
  readonly traceparent?: string | undefined
}

/** Why an instance is cordoned. */
/** What of an ended run is run again; by default all of it. */
export interface RetryOptions {
  readonly only?: 'failed' | 'compensation'
  readonly fromStep?: string
  readonly fromNode?: string
  readonly node?: string
}

/** `generation`: which time of the node is meant, as the tree of the run shows it, if it has been run again. Default: the current one. */
export interface DecideOptions {
  readonly note?: string
  readonly generation?: number
}

/** `range`: default 24h. `zone`: where the days of a month begin, default UTC. `compare`: the same hours as long before, beside them. */
export interface StatsQuestion {
  readonly range?: StatsRange | undefined
  readonly zone?: string | undefined
  readonly compare?: StatsComparison | undefined
}

export interface CordonOptions {
  readonly note?: string | undefined
}

/** Calls the services of the mesh. Every method rejects with a `CarillonError`; its `code` is of the catalogue. */
export class Client {
  readonly #link: ClientLink
  readonly #caller: Caller
  readonly #starter: RunStarter
  readonly #ends: RunEnds
  /** Workflows by name: the graph, and what else a job has. */
  readonly workflows: Workflows

  /** @internal */
  constructor(link: ClientLink, caller: Caller) {
    this.#link = link
    this.#caller = caller
    this.#starter = new RunStarter(caller)
    this.#ends = new RunEnds(link, caller)
    this.workflows = new Workflows(caller)
  }

  /**
   * Start a run of a handler by its definition, whose options are the defaults. Jobs of the same name are ignored.
   * @throws CarillonError as of the form below
   */
  run<Handler extends AnyHandler>(
    handler: Handler,
    ...call: CallOf<Handler, OwnOptions<Handler> & SendOptions>
  ): Promise<RunHandle<ResultOf<Handler>>>
  /** The same with tasks that the definition does not declare: its result counts how many of them ended in which state. */
  run<Handler extends AnyHandler>(
    handler: Handler,
    payload: PayloadOf<Handler>,
    options: FanOutOptions & SendOptions,
  ): Promise<RunHandle<FanOutResult>>
  /** Start a run of a workflow that has been put, by its definition: it types the payload. */
  run<Started extends AnyWorkflow>(workflow: Started, ...call: WorkflowCallOf<Started, RunOptions & SendOptions>): Promise<RunHandle>
  /**
   * Start a run of a job or, where no job has that name, of a handler. A start whose answer is lost is sent again and stays one run.
   * @throws CarillonError for wrong input before anything is sent; NO_SERVICE, OVERLOADED, CALL_TIMEOUT or NATS_UNAVAILABLE after `giveUpAfterMs`
   */
  run<Result = unknown>(job: string, payload?: unknown, options?: RunOptions & SendOptions): Promise<RunHandle<Result>>
  async run(job: string | AnyHandler | AnyWorkflow, payload?: unknown, options: RunOptions & SendOptions = {}): Promise<RunHandle> {
    const { giveUpAfterMs: timeoutMs, signal, traceparent, ...rest } = checkObject('options', options)
    const request: RunRequest = isDefinition(job)
      ? requestOf(job, { ...rest, payload })
      : { ...rest, job: isWorkflow(job) ? job.name : job, payload }
    return this.#traced(traceparent, async (trace) => {
      const started = await this.#starter.start(startItemOf(request, trace), { timeoutMs, signal })
      return runHandle(started, this.#ends, this.#caller)
    })
  }

  /** Start any number of runs. The outcomes are in the order of the requests; one that is refused does not affect the others. */
  runMany<Handler extends AnyHandler>(
    requests: readonly RequestOf<Handler>[],
    options?: SendOptions,
  ): Promise<RunOutcome<ResultOf<Handler>>[]>
  runMany<Result = unknown>(requests: readonly RunRequest[], options?: SendOptions): Promise<RunOutcome<Result>[]>
  async runMany(requests: readonly (RunRequest | RequestOf<AnyHandler>)[], options: SendOptions = {}): Promise<RunOutcome[]> {
    if (!Array.isArray(requests)) throw wrongRequests(requests)
    const { giveUpAfterMs: timeoutMs, signal, traceparent } = checkObject('options', options)
    const start = async (given: RunRequest | RequestOf<AnyHandler>, trace: string | undefined): Promise<RunOutcome> => {
      try {
        const request = isDefinition(given?.handler)
          ? requestOf(given.handler, given as Omit<RunRequest, 'job' | 'handler'>)
          : (given as RunRequest)
        const started = await this.#starter.start(startItemOf(request, trace), { timeoutMs, signal })
        return { ok: true, run: runHandle(started, this.#ends, this.#caller) }
      } catch (error) {
        if (signal?.aborted && error === signal.reason) throw error
        return { ok: false, error: CarillonError.from(error) }
      }
    }
    return this.#traced(traceparent, (trace) => Promise.all(requests.map((request) => start(request, trace))))
  }

  /** A run by its id, to wait for its end; whether it exists shows then. */
  handleOf<Result = unknown>(runId: string): RunHandle<Result> {
    return runHandle<Result>({ runId: checkName('runId', runId), created: false }, this.#ends, this.#caller)
  }

  /** Any call of the wire. */
  call<C extends Call>(call: C, input: CallInput<C>, options?: CallOptions): Promise<CallOutput<C>> {
    return this.#caller.call(call, input, options)
  }

  readonly jobs = {
    /** @param job its handler by name or by definition: then the payload is typed, and the options of the definition are those of the job */
    put: async <Handler extends AnyHandler>(job: JobInput | JobOf<Handler>): Promise<JobView> => this.call(CALLS.jobsPut, jobInputOf(job)),
    get: (name: string): Promise<JobView> => this.call(CALLS.jobsGet, { name }),
    /** Jobs by name. */
    list: (query: ListQuery = {}): List<JobView> => listOf(query, (page) => this.call(CALLS.jobsList, page)),
    /** Whether `put` would accept a job, but for a circle of `afterJobs`; stores nothing. @throws CarillonError as `put` */
    check: async <Handler extends AnyHandler>(job: JobInput | JobOf<Handler>): Promise<JobChecked> =>
      this.call(CALLS.jobsCheck, jobInputOf(job)),
    /** The next slots of a job or of a schedule, without storing anything, and what a time without coordinators would have done to it. */
    preview: (question: CallInput<typeof CALLS.jobsPreview>): Promise<JobPreview> => this.call(CALLS.jobsPreview, question),
    /** Fires the slots of a past range, each once, oldest first. Runs that are kept are not made again. @throws CarillonError that says how many there would be */
    backfill: (range: CallInput<typeof CALLS.jobsBackfill>): Promise<JobBackfill> => this.call(CALLS.jobsBackfill, range),
    pause: async (name: string, options: { note?: string } = {}): Promise<JobView> =>
      this.call(CALLS.jobsPause, { name, ...checkObject('options', options) }),
    resume: (name: string): Promise<JobView> => this.call(CALLS.jobsResume, { name }),
    /** Gives a job that somebody has edited back to the code that declares it (`mesh.job`): its newest declaration is in force. */
    release: (name: string): Promise<JobView> => this.call(CALLS.jobsRelease, { name }),
    /** Who changed a job, when and what, newest first. */
    history: (name: string, query: ListQuery = {}): List<JobChange> =>
      listOf(query, (page) => this.call(CALLS.jobsHistory, { name, ...page })),
    /** Delayed runs of the job are cancelled, unless `keepRuns` is true; running ones go on. */
    remove: async (name: string, options: { keepRuns?: boolean } = {}): Promise<{ removed: true }> =>
      this.call(CALLS.jobsRemove, { name, ...checkObject('options', options) }),
  }

  readonly calendars = {
    /** The days of a calendar: one by one, or those of an iCalendar text; `warnings` says what of it was left out. */
    put: (calendar: CalendarInput): Promise<CalendarView> => this.call(CALLS.calendarsPut, calendar),
    get: (name: string): Promise<CalendarView> => this.call(CALLS.calendarsGet, { name }),
    /** Calendars by name, without their days. */
    list: (query: ListQuery = {}): List<CalendarView> => listOf(query, (page) => this.call(CALLS.calendarsList, page)),
    remove: (name: string): Promise<{ removed: true }> => this.call(CALLS.calendarsRemove, { name }),
  }

  readonly runs = {
    get: (runId: string): Promise<RunView> => this.call(CALLS.runsGet, { runId }),
    /**
     * Runs that all given filters accept, newest first, without their payloads and results. With `handler` or `service` a page may be empty and
     * have a `next`.
     */
    list: (query: CallInput<typeof CALLS.runsList> = {}): List<RunView> => listOf(query, (page) => this.call(CALLS.runsList, page)),
    /** How many runs pass filters, up to 10,000. */
    count: async (filter: CallInput<typeof CALLS.runsCount> = {}): Promise<RunsCounted> => this.call(CALLS.runsCount, filter),
    /**
     * Cancel, retry, pause or resume all runs that pass filters, or these. One that the action does not suit is left as it is, and counted by the reason.
     * @param options `dryRun` only counts them; `onProgress` is called after each part
     */
    change: async (action: BulkAction, which: ManyRuns, options: ManyRunsOptions = {}): Promise<ManyRunsChanged> =>
      changeMany(this.#caller, { action, ...(checkObject('which', which) as object) }, options),
    /** Why a run is in its state, in one sentence: what holds it back, and until when. */
    why: (runId: string): Promise<WhyRun> => this.call(CALLS.runsWhy, { runId }),
    tree: (runId: string): Promise<RunTree> => this.call(CALLS.runsTree, { runId }),
    /** @param options `force`: of a workflow, what its nodes have done is not undone, also where that has begun */
    cancel: async (runId: string, options: { readonly force?: true | undefined } = {}): Promise<RunView> =>
      this.call(CALLS.runsCancel, { runId, ...checkObject('options', options) }),
    /** What is under way ends, nothing new starts, and limits of time stand still. A run with one task can be paused between two attempts. */
    pause: (runId: string): Promise<RunView> => this.call(CALLS.runsPause, { runId }),
    /** Lets a paused run go on; one that is open and not paused stays as it is. */
    resume: (runId: string): Promise<RunView> => this.call(CALLS.runsResume, { runId }),
    /**
     * @param options `only: 'failed'`: of a fan-out run those that did not succeed. `fromStep`: of a run with steps this one and those after
     *   it; without it such a run resumes where it failed, and starts from the beginning if it had succeeded. Of a workflow: `fromNode` this node and those that follow
     *   it, `node` this node alone, `only: 'compensation'` what is left to be undone; nodes that are not run again keep their results
     */
    retry: async (runId: string, options: RetryOptions = {}): Promise<RunView> =>
      this.call(CALLS.runsRetry, { runId, ...checkObject('options', options) }),
    /** Lets a node of a workflow do nothing, and what follows it go on: one that has not begun, waits, or did not succeed. */
    skipNode: (runId: string, node: string): Promise<RunView> => this.call(CALLS.runsSkipNode, { runId, node }),
    /** Lets a node of a workflow that did not succeed count as one that did. @param result JSON */
    succeedNode: (runId: string, node: string, result: unknown = null): Promise<RunView> =>
      this.call(CALLS.runsSucceedNode, { runId, node, result }),
    /** Cancels a node of a workflow that is under way. What does not follow it goes on. */
    stopNode: (runId: string, node: string): Promise<RunView> => this.call(CALLS.runsStopNode, { runId, node }),
    /**
     * Approve a node of a workflow that waits for it. The same once more answers `already: true`, and who it was.
     * @throws CarillonError DECIDED_OTHERWISE, INVALID_REQUEST when it does not wait
     */
    approve: async (runId: string, node: string, options: DecideOptions = {}): Promise<NodeDecided> =>
      this.call(CALLS.runsApprove, { runId, node, ...checkObject('options', options) }),
    /** Reject it: the node fails. @throws CarillonError as `approve` */
    reject: async (runId: string, node: string, options: DecideOptions = {}): Promise<NodeDecided> =>
      this.call(CALLS.runsReject, { runId, node, ...checkObject('options', options) }),
    /**
     * Send a signal to a run: it is kept until something in the run waits for it, also when the run has not been started yet. With a message id or a time to live:
     * `client.handleOf(runId).signal(name, payload, options)`.
     * @param payload JSON up to 64 KiB
     * @throws CarillonError RUN_ENDED, RUN_REMOVED, SIGNAL_TOO_LARGE, TOO_MANY_SIGNALS
     */
    signal: (runId: string, name: string, payload: unknown = null): Promise<SignalSent> =>
      sendSignal(this.#caller, { runId, name, payload, options: {} }),
    /** The signals of a run by id: taken, kept, or unclaimed because there is no such run so far. */
    signals: (runId: string, query: ListQuery = {}): List<SignalView> =>
      listOf(query, (page) => this.call(CALLS.runsSignals, { ...page, runId })),
    /**
     * Lets another program go on with a run in durable steps, while it waits or sleeps. With `dryRun` it only answers which ones could.
     * @throws CarillonError INVALID_REQUEST of a program that no live instance has, or whose steps are not those that are stored
     */
    move: async (runId: string, options: { readonly to?: string; readonly dryRun?: boolean }): Promise<RunMoved> =>
      this.call(CALLS.runsMove, { runId, ...checkObject('options', options) }),
    /** The steps of a run, in order. */
    steps: (runId: string, query: ListQuery = {}): List<JournalEntry> =>
      listOf(query, (page) => this.call(CALLS.tasksJournal, { ...page, taskId: runId })),
    /** The tasks of a fan-out run, in order. */
    tasks: (runId: string, query: ListQuery & { readonly state?: RunState | undefined } = {}): List<TaskView> =>
      listOf(query, (page) => this.call(CALLS.runsTasks, { ...page, runId })),
  }

  /** Retries of calls that the mesh has given up. */
  readonly deadLetters = {
    /** Newest first, without arguments and tries. */
    list: (query: CallInput<typeof CALLS.deadLettersList> = {}): List<DeadLetter> =>
      listOf(query, (page) => this.call(CALLS.deadLettersList, page)),
    get: (id: string): Promise<DeadLetter> => this.call(CALLS.deadLettersGet, { id }),
    /** Tries it again as a new run. A second request answers the same run. @param options `payload`: other arguments, as a list */
    redrive: async (id: string, options: { readonly payload?: unknown[] | undefined } = {}): Promise<StartedRun> =>
      this.call(CALLS.deadLettersRedrive, { id, ...checkObject('options', options) }),
    /** The same run goes on with new tries, and the letter is removed. @throws CarillonError RUN_REMOVED where the run was not kept for so long: redrive it */
    rollback: (id: string): Promise<RunView> => this.call(CALLS.deadLettersRollback, { id }),
    remove: (id: string): Promise<{ removed: true }> => this.call(CALLS.deadLettersRemove, { id }),
  }

  readonly logs = {
    /** Log lines of a run, oldest first unless asked otherwise. */
    query: (query: CallInput<typeof CALLS.logsQuery>): List<LogView> => listOf(query, (page) => this.call(CALLS.logsQuery, page)),
    /** Log lines of all runs, newest first. A page may be empty and have a `next`: it searches for a limited time. */
    search: (query: CallInput<typeof CALLS.logsSearch> = {}): List<LogView> => listOf(query, (page) => this.call(CALLS.logsSearch, page)),
  }

  readonly versions = {
    /** The programs that go on with runs in durable steps, who has them, and how many open runs are bound to each. */
    list: async (options: { readonly handler?: string } = {}): Promise<readonly ProgramView[]> =>
      (await this.call(CALLS.versionsList, checkObject('options', options))).items,
  }

  readonly stats = {
    /** What ended in the last hour, day, week or month, of everything: counts, failures, run times, lateness, and the jobs that stand out. */
    overview: async (question: StatsQuestion = {}): Promise<StatsOverview> =>
      this.call(CALLS.statsOverview, checkObject('options', question)),
    /** The same of one job. */
    job: async (name: string, question: StatsQuestion = {}): Promise<StatsJob> =>
      this.call(CALLS.statsJob, { name, ...checkObject('options', question) }),
    /** What waits now, by handler and reason, and which gates are full. */
    queues: (): Promise<StatsQueues> => this.call(CALLS.statsQueues, {}),
  }

  readonly instances = {
    /** Live instances by id. */
    list: (query: ListQuery = {}): List<InstanceView> => listOf(query, (page) => this.call(CALLS.instancesList, page)),
    /** Handlers that they offer, by name, with the schemas of their payloads. */
    handlers: (query: ListQuery & { handler?: string } = {}): List<HandlerView> =>
      listOf(query, (page) => this.call(CALLS.handlersList, page)),
    /** Give an instance no more work, until `uncordon`: it keeps what it runs. That outlives its process, when it has a name of its own. */
    cordon: async (instance: string, options: CordonOptions = {}): Promise<InstanceView> =>
      this.call(CALLS.instancesCordon, { instance, ...checkObject('options', options) }),
    /** Also of an instance that is gone. */
    uncordon: (instance: string): Promise<{ instance: string; uncordoned: boolean }> => this.call(CALLS.instancesUncordon, { instance }),
    /**
     * Cordon an instance, and answer whether it still holds tasks: to be asked again, with `continues: true`, until `isEmpty`. Its process stays.
     * @throws CarillonError CONCURRENT_CHANGE when it was uncordoned meanwhile
     */
    drain: async (instance: string, options: CordonOptions & { readonly continues?: boolean } = {}): Promise<Drained> =>
      this.call(CALLS.instancesDrain, { instance, ...checkObject('options', options) }),
  }

  /** Events of what ends or changes, from now on. */
  events(filter: EventFilter = {}): Tail<MeshEvent> {
    return new Tail(this.#link, eventSubject(this.#caller.namespace, 'event', filter), readEvent)
  }

  /** Live signals: runs created, started, their progress. They are not stored. */
  live(filter: EventFilter = {}): Tail<MeshEvent> {
    return new Tail(this.#link, eventSubject(this.#caller.namespace, 'live', filter), readEvent)
  }

  /** Log lines of a run, from now on; `logs.query` has those before. */
  tailLogs(runId: string): Tail<LogView> {
    return new Tail(this.#link, subjects.log(this.#caller.namespace, checkName('runId', runId)), readLogLines)
  }

  /** The trace context of the caller: requests are shared, so each run carries its own. */
  async #traced<Value>(traceparent: string | undefined, start: (trace: string | undefined) => Promise<Value>): Promise<Value> {
    const trace = this.#caller.telemetry.call('runs.start', traceparent)
    try {
      const value = await start(trace.traceparent)
      trace.end()
      return value
    } catch (error) {
      trace.end(error instanceof Error ? error.message : String(error))
      throw error
    }
  }
}

function wrongRequests(requests: unknown): CarillonError {
  const value = printable(requests)
  return new CarillonError('INVALID_REQUEST', `requests is wrong: ${value}`, { field: 'requests', value, hint: 'Pass a list of requests.' })
}
