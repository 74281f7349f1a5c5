import { CarillonError, type LogLevel, printable, type WorkMessage } from '@carillon/contracts'

/** Extra facts of a log line; written as JSON. */
export type LogFields = Readonly<Record<string, unknown>>

/** Log lines of a task: they travel to the mesh in batches and never hold up the handler. Without a message the line has an empty one. */
export type TaskLog = Readonly<Record<LogLevel, (message?: string, fields?: LogFields) => void>>

/** One of the many tasks of a run. */
export interface Shard {
  /** From 0. The same in every attempt. */
  readonly index: number
  readonly total: number
  /** Its own part of the data, of a run that was given `items`. */
  readonly item: unknown
}

/** What a handler is given. */
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
  /** Which part of a run with many tasks this is; undefined in a run with one. */
  readonly shard: Shard | undefined
  /** Aborted on time-out (reason: a `TimeoutError`), cancel and the end of a drain (`AbortError`). 5 s later the task is over, come what may. */
  readonly signal: AbortSignal
  readonly log: TaskLog
  /** W3C trace context of this task, for calls to others without OpenTelemetry. */
  readonly traceparent: string | undefined
  /**
   * Say how far it is. The newest wins; at most five a second travel.
   * @param percent a number from 0 to 100
   * @throws CarillonError INVALID_REQUEST for anything else, into the handler and at once: also a call that nobody awaits fails its task
   */
  progress(percent: number, note?: string): Promise<void>
}

/** What a context needs of whoever runs the task. */
export interface TaskPort {
  readonly signal: AbortSignal
  readonly traceparent: string | undefined
  progress(percent: number, note: string | undefined): void
  log(level: LogLevel, message: string, fields: LogFields | undefined): void
}

const NOTE_LENGTH = 1_000

/** The context of one attempt. Its parts are made when they are asked for: most tasks need few of them. */
export class RunningContext implements TaskContext {
  payload: unknown
  readonly #work: WorkMessage
  readonly #port: TaskPort
  #log: TaskLog | undefined

  constructor(work: WorkMessage, port: TaskPort) {
    this.payload = work.payload
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
    return index === undefined || total === undefined ? undefined : { index, total, item }
  }
  get signal() {
    return this.#port.signal
  }
  get traceparent() {
    return this.#port.traceparent
  }

  get log(): TaskLog {
    const at = (level: LogLevel) => (message?: string, fields?: LogFields) => this.#port.log(level, message ?? '', fields)
    this.#log ??= { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
    return this.#log
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
    this.#port.progress(percent, note === undefined ? undefined : String(note).slice(0, NOTE_LENGTH))
    return Promise.resolve()
  }
}
