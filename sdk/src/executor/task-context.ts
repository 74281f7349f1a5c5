import { CarillonError, type JobMemory, type LogLevel, type Page, printable, type TaskResult, type WorkMessage } from '@carillon/contracts'
import { withoutUndefined } from '../client/start-item.ts'
import type { Jsonify, JsonResult } from '../json.ts'
import { messageText } from '../logs/loggable.ts'
import { momentOf, type TimeOrDuration } from '../moment.ts'
import { markOf } from '../retry/retry-scope.ts'
import { forever, turnOf } from '../turn.ts'
import type { ChildRunOptions, DetachedRun } from './child-run-failed.ts'
import { nameOf, resultOfChild, startedOf } from './child-runs.ts'
import { PendingCalls } from './pending-calls.ts'
import type { SchemaOutput, StandardSchema } from './standard-schema.ts'
import { type StepOptions, type StepPort, Steps, type WaitOptions } from './steps.ts'
import { WorkflowContext } from './workflow-context.ts'

type Awaitable<Value> = Value | PromiseLike<Value>

/** Extra facts of a log line; written as JSON. */
export type LogFields = Readonly<Record<string, unknown>>

/**
 * Log lines of a task: they travel to the mesh in batches, never hold up the handler and never fail it. Without a message the line has an empty one; an
 * error is shown by its stack, any other object as JSON. What JSON cannot carry is shown as text in its place.
 */
export type TaskLog = Readonly<Record<LogLevel, (message?: unknown, fields?: LogFields) => void>>

/** One of the tasks of a fan-out run. */
export interface Shard {
  /** From 0. The same in every attempt. */
  readonly index: number
  readonly total: number
  /** The item of this task, of a run with `items`. */
  readonly item: unknown
}

/** The argument of a handler. */
export interface TaskContext<Payload = unknown> {
  readonly payload: Payload
  readonly runId: string
  /** The run's own id for the only task of a run. */
  readonly taskId: string
  /** The job that fired, if any. */
  readonly job: string | undefined
  readonly handler: string
  /** From 1. */
  readonly attempt: number
  /** Planned fire time of a scheduled run, RFC 3339. */
  readonly slot: string | undefined
  /** Which part of a fan-out run this is; undefined in a single run. */
  readonly shard: Shard | undefined
  /** Aborted on time-out (reason: a `TimeoutError`), cancel and the end of a drain (`AbortError`). 5 s later the attempt is over in any case. */
  readonly signal: AbortSignal
  readonly log: TaskLog
  /** W3C trace context of this task, for calls to others without OpenTelemetry. */
  readonly traceparent: string | undefined
  /**
   * Say how far it is. The newest wins; at most five a second travel.
   * @param percent a number from 0 to 100
   * @throws CarillonError INVALID_REQUEST for anything else, into the handler and at once: also a call that is not awaited fails its task
   */
  progress(percent: number, note?: string): Promise<void>
  /**
   * Run a step once: its result is stored before this resolves, and a later attempt of the task gets it without running the step again. What is
   * returned is what was stored: JSON, so a Date is text then. Steps are identified by their order, which must be deterministic; each has a name of its own.
   * @param run its result is JSON up to 256 KiB
   * @throws what `run` throws when no tries are left; CarillonError INVALID_NAME, INVALID_REQUEST, RESULT_TOO_LARGE; TASK_NOT_RUNNING when this
   *   attempt is over
   */
  step<Result>(name: string, run: () => Awaitable<Result & JsonResult<Result>>, options?: StepOptions): Promise<Jsonify<Result>>
  /**
   * Continue later. From a second on no slot is held: this call then never settles, `finally` is not reached, and the task continues in a new
   * attempt, which gets the results of its steps. Uses no try. It must not be raced: a later attempt does not know which was first.
   * Only steps that are under way are waited for. Anything else that the handler does beside this call outlives the attempt and holds no slot, so the
   * next attempt may run beside it; `signal` aborts then.
   * @param until how long, or until when: milliseconds or `'10m'`, up to ten years, or a time
   * @throws CarillonError INVALID_DELAY
   */
  sleep(until: TimeOrDuration): Promise<void>
  /**
   * Wait for a signal to this run (`client.runs.signal`, `carillon runs signal`), and take its payload. No slot is held meanwhile, nor a timer without `timeoutMs`: this
   * call then never settles, `finally` is not reached, and the task continues in a new attempt, as after `sleep`; like that it must not be raced. One that came before
   * is taken at once; several waits for one name take one signal each, in order. Uses no try.
   * @param name of the signal
   * @returns its payload, as the schema gives it out; with `timeoutMs` undefined when none came in time
   * @throws NonRetryableError when the schema refuses the payload, which is taken nevertheless; CarillonError INVALID_NAME, INVALID_REQUEST, INVALID_DELAY; TASK_NOT_RUNNING
   *   when this attempt is over
   */
  waitFor<Schema extends StandardSchema>(
    name: string,
    options: WaitOptions<Schema> & { readonly schema: Schema; readonly timeoutMs: number },
  ): Promise<SchemaOutput<Schema> | undefined>
  waitFor<Schema extends StandardSchema>(
    name: string,
    options: WaitOptions<Schema> & { readonly schema: Schema; readonly timeoutMs?: undefined },
  ): Promise<SchemaOutput<Schema>>
  waitFor<Payload = unknown>(name: string, options: WaitOptions & { readonly timeoutMs: number }): Promise<Payload | undefined>
  waitFor<Payload = unknown>(name: string, options?: WaitOptions & { readonly timeoutMs?: undefined }): Promise<Payload>
  /**
   * Choose when the job fires next, instead of its schedule, which goes on after that. The newest choice counts, also of an attempt that fails.
   * @param next in how long, or when: milliseconds or `'10m'`, or a time; one that has passed means now
   * @returns that time; undefined when the run has no job, or the job is paused or gone
   * @throws CarillonError INVALID_DELAY, INVALID_DATE; TASK_NOT_RUNNING when this attempt is over
   */
  nextAt(next: TimeOrDuration): Promise<Date | undefined>
  /**
   * Run a job, or a handler where no job has this name, as a child run, and wait for its result. It is cancelled with this one. A further attempt finds the run that an earlier one has
   * started. In a handler that has used `step`, `sleep` or `waitFor` it is a step: no process is held while it waits, and this call never settles in the attempt that
   * has started it, as after `sleep`. Elsewhere it waits in this process.
   * @param job by name, or by its definition
   * @param options as of `client.run`; `key` tells it from other child runs of this task (default: the number of the call)
   * @throws ChildRunFailed when it did not succeed: after that a further attempt starts another run; CarillonError NESTED_TOO_DEEP, or of the request; TASK_NOT_RUNNING when this attempt is over
   */
  run<Result = unknown>(
    job: string | { readonly name: string },
    payload?: unknown,
    options?: ChildRunOptions & { readonly detached?: false | undefined },
  ): Promise<Result>
  /** The same for a run that outlives this one: it is not waited for. */
  run(
    job: string | { readonly name: string },
    payload: unknown,
    options: ChildRunOptions & { readonly detached: true },
  ): Promise<DetachedRun>
  /**
   * What earlier runs of the job have kept by `setData`, as it is now; `{}` when there is nothing.
   * @throws CarillonError RUN_NOT_FOUND
   */
  data<Data extends object = Record<string, unknown>>(): Promise<Partial<Data>>
  /**
   * Replace what the runs of the job keep for each other. `{}` removes it.
   * @param data JSON up to 16 KiB
   * @returns false when the run has no job, or the job is gone
   * @throws CarillonError INVALID_REQUEST, INVALID_JSON, DATA_TOO_LARGE; TASK_NOT_RUNNING when this attempt is over
   */
  setData(data: object): Promise<boolean>
  /** Of a node of a workflow: what the nodes that lead to it have set, and what it has set itself; `{}` elsewhere. A copy: changing it changes nothing. */
  readonly context: Readonly<Record<string, unknown>>
  /**
   * Of a node of a workflow: set a key of the context that the nodes behind it see. It counts if this task succeeds. Call it outside of steps: one that is done is not
   * run again by a later attempt.
   * @param value JSON; the whole context has up to 256 KiB
   * @throws CarillonError INVALID_REQUEST in a run that is no workflow; INVALID_JSON, CONTEXT_TOO_LARGE
   */
  set(key: string, value: unknown): void
  /** The result of the last run of the job that succeeded before this one; undefined when there is none. */
  lastResult<Result = unknown>(): Promise<Result | undefined>
}

/** The argument of the root of a map and of its tasks. */
export interface MapContext<Payload, Items extends object, Item = undefined> extends TaskContext<Payload> {
  /** The item of this task; undefined for the root. */
  readonly item: Item
  /**
   * Create a task for each item; resolves when they are stored. They run at once, beside this task. They are kept when
   * this task is retried: its n-th call is the same call in every attempt.
   * @param items 1 to 500, each JSON up to 64 KiB, together up to one message (1 MB); call again for more
   * @throws CarillonError INVALID_NAME, INVALID_REQUEST, ITEM_TOO_LARGE, MAP_TOO_DEEP; TASK_NOT_RUNNING when this attempt is over
   */
  map<Name extends keyof Items & string>(name: Name, items: readonly Items[Name][]): Promise<void>
}

/** The argument of reduce and merge tasks. */
export interface ReduceContext<Payload> extends TaskContext<Payload> {
  /** The results to reduce, in the order of the map, read a page at a time. */
  results<Result = unknown>(): AsyncIterable<Result>
}

/** What a context needs of the attempt that runs the task. @internal */
export interface TaskPort extends StepPort {
  readonly traceparent: string | undefined
  progress(percent: number, note: string | undefined): void
  log(level: LogLevel, message: unknown, fields: LogFields | undefined): void
  map(call: { call: number; name: string; items: readonly unknown[] }): Promise<void>
  results(page: { cursor: string | undefined; limit: number }): Promise<Page<TaskResult>>
  next(choice: { at: string } | { delayMs: number }): Promise<string | undefined>
  setData(data: Record<string, unknown>): Promise<boolean>
  memory(): Promise<JobMemory>
}

const NOTE_LENGTH = 1_000
/** Calls of one task that are under way at once: more would only take the coordinator's memory. */
const CALLS_AT_ONCE = 4
const [FIRST_PAGE, LARGEST_PAGE] = [100, 500]

/** The context of one attempt. Its parts are created on first use: most tasks need few of them. @internal */
export class RunningContext implements TaskContext {
  payload: unknown
  item: unknown
  /** Of a list of steps: the results of the steps before. */
  done: Record<string, unknown> | undefined
  #calls = 0
  #children = 0
  readonly #turns: Promise<void>[] = []
  #isStopped = false
  readonly #pending = new PendingCalls()
  readonly #work: WorkMessage
  readonly #port: TaskPort
  #log: TaskLog | undefined
  #steps: Steps | undefined
  #workflow: WorkflowContext | undefined

  constructor(work: WorkMessage, port: TaskPort) {
    this.payload = work.payload
    this.item = work.item
    this.#work = work
    this.#port = port
  }

  get runId() {
    return this.#work.runId
  }
  get taskId() {
    return this.#work.taskId
  }
  get job() {
    return this.#work.job
  }
  get handler() {
    return this.#work.handler
  }
  get attempt() {
    return this.#work.attempt
  }
  get slot() {
    return this.#work.slot
  }
  get shard() {
    const { index, total, item } = this.#work
    return index === undefined || total === undefined || this.task !== undefined ? undefined : { index, total, item }
  }
  /** Of a map: what this task is. */
  get task() {
    return this.#work.task
  }
  get signal() {
    return this.#port.signal
  }
  get traceparent() {
    return this.#port.traceparent
  }

  get log(): TaskLog {
    const at = (level: LogLevel) => (message?: unknown, fields?: LogFields) => this.#port.log(level, message ?? '', fields)
    this.#log ??= { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
    return this.#log
  }

  /** What it gives is known to who calls it: see `TaskContext`. */
  step(name: string, run: () => unknown, options?: StepOptions): Promise<never> {
    this.#steps ??= new Steps(this.#port, this.#pending)
    return this.#steps.step(name, run, options) as Promise<never>
  }

  sleep(until: TimeOrDuration): Promise<void> {
    this.#steps ??= new Steps(this.#port, this.#pending)
    return this.#steps.sleep(until)
  }

  /** What it gives is known to who calls it: see `TaskContext`. */
  waitFor(name: string, options?: WaitOptions): Promise<never> {
    this.#steps ??= new Steps(this.#port, this.#pending)
    return this.#steps.waitFor(name, options) as Promise<never>
  }

  /** What it gives is known to who calls it: see `TaskContext`. */
  run(
    job: string | { readonly name: string },
    payload?: unknown,
    { key, detached, retryScope, ...options }: ChildRunOptions = {},
  ): Promise<never> {
    const name = nameOf(job)
    const run = { ...withoutUndefined({ ...options, withinRetry: markOf(retryScope) }), payload, job: name }
    const request = { key: key ?? `#${this.#children++}`, ...withoutUndefined({ detached }), run }
    if (this.#steps) return this.#steps.run(name, request) as Promise<never>
    const ask = () => this.#port.run(request)
    const { clock, signal } = this.#port
    const result = detached ? ask().then(startedOf) : resultOfChild(ask, { clock, signal, isStopped: () => this.#isStopped })
    return this.#pending.watch(this.#pending.track<unknown>(result)) as Promise<never>
  }

  nextAt(next: TimeOrDuration): Promise<Date | undefined> {
    const chosen = this.#port.next(choiceOf(next)).then((at) => (at === undefined ? undefined : new Date(at)))
    return this.#pending.watch(this.#pending.track(chosen))
  }

  data(): Promise<never> {
    return this.#memory(({ data }) => data as never)
  }

  setData(data: object): Promise<boolean> {
    return this.#pending.watch(this.#pending.track(this.#port.setData(data as Record<string, unknown>)))
  }

  get context() {
    return this.#shared().values
  }

  set(key: string, value: unknown): void {
    this.#shared().set(key, value)
  }

  /** JSON text of what it has added to the context of its workflow. */
  get addedText(): string | undefined {
    return this.#workflow?.addedText
  }

  #shared(): WorkflowContext {
    this.#workflow ??= new WorkflowContext(this.#work.context)
    return this.#workflow
  }

  lastResult(): Promise<never> {
    return this.#memory(({ last }) => last?.result as never)
  }

  #memory<Part>(part: (memory: JobMemory) => Part): Promise<Part> {
    return this.#pending.watch(this.#pending.track(this.#port.memory().then(part)))
  }

  /** The handler has thrown: calls under way end, waiting ones are not sent any more. Undefined if there are none. */
  stop(): Promise<void> | undefined {
    this.#isStopped = true
    return this.#pending.isBusy ? this.#pending.settled() : undefined
  }

  /**
   * The handler has returned: calls that it did not await are awaited, because a task that has ended cannot make calls. Undefined if there are none.
   * The promise rejects with an unhandled error, or ProgramChanged; it stays open when the task goes to sleep.
   */
  end(): Promise<void> | undefined {
    return this.#pending.isEmpty ? undefined : this.#end()
  }

  async #end(): Promise<void> {
    await this.#pending.quiet(() => turnOf(this.#port.clock))
    if (this.#steps?.isSuspending) return forever()
    await this.#steps?.checkWhole()
    this.#pending.check()
  }

  map(name: string, items: readonly unknown[]): Promise<void> {
    if (this.#steps?.isWithin) {
      const hint = 'A step that is done is not done again, and what it asked for would be missing: map before or after it.'
      throw new CarillonError('INVALID_REQUEST', 'map is wrong: it is within a step', { field: 'name', value: printable(name), hint })
    }
    // They are sent later, and the caller may change its list before.
    return this.#pending.watch(this.#map({ call: this.#calls++, name, items: Array.isArray(items) ? [...items] : items }))
  }

  #map(call: Parameters<TaskPort['map']>[0]): Promise<void> {
    const turn = call.call % CALLS_AT_ONCE
    const done = (this.#turns[turn] ?? Promise.resolve()).then(() => {
      if (this.#steps?.isSuspending && this.#port.isOver) return forever()
      if (this.#isStopped) throw new CarillonError('TASK_NOT_RUNNING', 'The handler has thrown: its task asks for nothing more')
      return this.#pending.track(this.#port.map(call))
    })
    this.#turns[turn] = done.catch(() => undefined)
    return done
  }

  async *results<Result>(): AsyncGenerator<Result> {
    let page = await this.#port.results({ cursor: undefined, limit: FIRST_PAGE })
    for (;;) {
      // The next page is on its way while this one is used. Where results are large fewer of them arrive than were requested.
      const limit = Math.min(LARGEST_PAGE, page.items.length * 2)
      const following = page.next === undefined ? undefined : this.#port.results({ cursor: page.next, limit })
      following?.catch(() => undefined)
      for (const { result } of page.items) yield result as Result
      if (following === undefined) return
      page = await following
    }
  }

  progress(percent: number, note?: string): Promise<void> {
    if (!(typeof percent === 'number' && percent >= 0 && percent <= 100)) {
      const value = printable(percent)
      throw new CarillonError('INVALID_REQUEST', `percent is wrong: ${value}`, {
        field: 'percent',
        value,
        hint: 'Use a number from 0 to 100.',
      })
    }
    this.#port.progress(percent, note === undefined || note === null ? undefined : messageText(note).slice(0, NOTE_LENGTH))
    return Promise.resolve()
  }
}

/** @throws CarillonError INVALID_DELAY */
function choiceOf(next: TimeOrDuration): { at: string } | { delayMs: number } {
  const moment = momentOf('next', next)
  return 'at' in moment ? { at: new Date(moment.at).toISOString() } : { delayMs: moment.forMs }
}
