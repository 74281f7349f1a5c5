import {
  CarillonError,
  type ChildRunView,
  type ErrorCode,
  type Failure,
  type JobMemory,
  type JournalEntry,
  LIMITS,
  type LogLevel,
  type Page,
  type StepCall,
  type TaskResult,
  TIMES,
  takesProgram,
  writeJson,
} from '@carillon/contracts'
import type { LoopClock, Timer } from '@carillon/wire/internal'
import { inMarkedScope } from '../retry/retry-scope.ts'
import type { Trace } from '../telemetry.ts'
import type { ChildRunRequest } from './child-runs.ts'
import { attributedTo } from './exit-watch.ts'
import { failureOf, isNonRetryable } from './failure.ts'
import type { OfferedHandler } from './handler.ts'
import type { HeldTask } from './held-task.ts'
import type { Ending, SleptEnding } from './report-text.ts'
import { checkedBy, isThenable, PayloadRefused, ResultRefused } from './standard-schema.ts'
import { ProgramChanged, type StepPort } from './steps.ts'
import type { TaskCalls } from './task-calls.ts'
import { type LogFields, RunningContext, type TaskPort } from './task-context.ts'

/** Why an attempt is ended before its handler returns. `drain`: without a report; another instance runs it again. */
export type AbortKind = 'timeout' | 'cancel' | 'drain'

/** The observer of an attempt. */
export interface AttemptObserver {
  onBegin(attempt: Attempt): void
  onProgress(attempt: Attempt, percent: number, note: string | undefined): void
  onLog(attempt: Attempt, line: { level: LogLevel; message: unknown; fields: LogFields | undefined }): void
  /** Once. Undefined: nothing is to be reported. With `isStuck` the handler still runs and holds its slot until `onUnstuck`. */
  onEnd(attempt: Attempt, ending: Ending | SleptEnding | undefined): void
  /** The handler of an attempt that had ended without it has settled: its slot is free. */
  onUnstuck(attempt: Attempt): void
}

export interface AttemptOptions {
  readonly task: HeldTask
  readonly handler: OfferedHandler
  readonly clock: LoopClock
  readonly calls: TaskCalls
  readonly trace: Trace
  readonly observer: AttemptObserver
}

const RESULT = { field: 'result', maxBytes: LIMITS.resultBytes, tooLarge: 'RESULT_TOO_LARGE', notJson: 'RESULT_NOT_JSON' } as const

/** One try of a task: runs the handler and reports its end once, also when the handler never settles. */
export class Attempt implements TaskPort {
  readonly task: HeldTask
  /** On the monotonic clock. */
  readonly startedAt: number
  readonly #options: AttemptOptions
  #controller: AbortController | undefined
  #context: RunningContext | undefined
  #abortKind: AbortKind | undefined
  #timer: Timer | undefined
  #isOver = false
  #stuckSince: number | undefined

  constructor(options: AttemptOptions) {
    this.#options = options
    this.task = options.task
    this.startedAt = options.clock.monotonic()
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Its end was reported after the grace, while its handler still runs. */
  get isStuck(): boolean {
    return this.#stuckSince !== undefined
  }

  /** How long its handler has outlived it, in ms. */
  get stuckForMs(): number {
    return this.#stuckSince === undefined ? 0 : this.clock.monotonic() - this.#stuckSince
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#abortKind && !this.#controller.signal.aborted) this.#controller.abort(this.#abortReason())
    return this.#controller.signal
  }

  get traceparent(): string | undefined {
    return this.#options.trace.traceparent ?? this.task.traceparent
  }

  start(): void {
    const { clock, trace } = this.#options
    const { timeoutMs, withinRetry } = this.task.work
    this.#options.observer.onBegin(this)
    if (timeoutMs !== undefined) this.#timer = clock.after(timeoutMs, () => this.abort('timeout'))
    try {
      const returned = trace.within(() => attributedTo(this, () => inMarkedScope(withinRetry, () => this.#invoke())))
      if (isThenable(returned)) Promise.resolve(returned).then(this.#succeed, this.#fail)
      else this.#succeed(returned)
    } catch (thrown) {
      this.#fail(thrown)
    }
  }

  /** Ask the handler to end, by its signal; after a grace of 5 s the attempt ends without it. */
  abort(kind: AbortKind): void {
    if (this.#isOver || this.#abortKind) return
    this.#abortKind = kind
    this.#timer?.cancel()
    this.#timer = this.#options.clock.after(TIMES.graceMs, () => this.#giveUp())
    this.#abortSignal(this.#abortReason())
  }

  get clock(): LoopClock {
    return this.#options.clock
  }

  get taskId(): string {
    return this.task.work.taskId
  }

  get isDraining(): boolean {
    return this.#options.calls.isDraining
  }

  async journal(): Promise<ReadonlyMap<number, JournalEntry>> {
    const { handler } = this.#options
    const { entries, program } = await this.#options.calls.journal(this.task.work, this.signal)
    if (program !== undefined && !takesProgram(handler, program)) throw new ProgramChanged(otherProgram(program, handler.program))
    return entries
  }

  store(step: Pick<StepCall, 'index' | 'name' | 'try' | 'outcome'>): Promise<JournalEntry> {
    return this.#options.calls.step(this.task.work, { ...step, program: this.#options.handler.program })
  }

  changed(error: ProgramChanged): void {
    this.#failed(error)
    this.#abortSignal(new DOMException('The task goes on with another program', 'AbortError'))
  }

  suspend({ delayMs, waits }: Parameters<StepPort['suspend']>[0]): void {
    // The handler never settles after this.
    if (this.#isOver) this.#settled()
    this.#end({ outcome: 'slept', delayMs: delayMs === undefined ? undefined : Math.max(0, Math.ceil(delayMs)), waits })
    this.#abortSignal(new DOMException('The task goes on later, in another attempt', 'AbortError'))
  }

  run(request: ChildRunRequest): Promise<ChildRunView> {
    return this.#options.calls.run(this.task.work, request, this.signal)
  }

  map(call: { call: number; name: string; items: readonly unknown[] }): Promise<void> {
    return this.#options.calls.map(this.task.work, call, this.signal)
  }

  next(choice: { at: string } | { delayMs: number }): Promise<string | undefined> {
    return this.#options.calls.next(this.task.work, choice, this.signal)
  }

  setData(data: Record<string, unknown>): Promise<boolean> {
    return this.#options.calls.setData(this.task.work, data, this.signal)
  }

  memory(): Promise<JobMemory> {
    return this.#options.calls.memory(this.task.work, this.signal)
  }

  results(page: { cursor: string | undefined; limit: number }): Promise<Page<TaskResult>> {
    return this.#options.calls.results(this.task.work, page, this.signal)
  }

  progress(percent: number, note: string | undefined): void {
    if (!this.#isOver) this.#options.observer.onProgress(this, percent, note)
  }

  log(level: LogLevel, message: unknown, fields: LogFields | undefined): void {
    if (!this.#isOver) this.#options.observer.onLog(this, { level, message, fields })
  }

  #invoke(): unknown {
    const { handler } = this.#options
    const context = new RunningContext(this.task.work, this)
    this.#context = context
    const run = handler.run as unknown as (context: RunningContext) => unknown
    if (handler.input === undefined) return run(context)
    return checkedBy(handler.input, context.payload, (payload) => {
      context.payload = payload
      return run(context)
    })
  }

  readonly #succeed = (result: unknown): void => {
    const ending = this.#context?.end()
    if (ending) ending.then(() => this.#keep(result), this.#fail)
    else this.#keep(result)
  }

  #keep(result: unknown): void {
    if (this.#isOver) {
      this.#settled()
      return
    }
    try {
      const resultText = writeJson(result, RESULT)
      const contextText = this.#context?.addedText
      this.#end(contextText === undefined ? { outcome: 'succeeded', resultText } : { outcome: 'succeeded', resultText, contextText })
    } catch (error) {
      this.#end({ outcome: 'failed', reason: 'invalid-result', error: refusalOf(error) })
    }
  }

  /** Steps that it left under way end first: the next attempt would otherwise run them at the same time. */
  readonly #fail = (thrown: unknown): void => {
    const ending = this.#context?.stop()
    if (ending) ending.then(() => this.#failed(thrown))
    else this.#failed(thrown)
  }

  #failed(thrown: unknown): void {
    if (this.#isOver) {
      this.#settled()
      return
    }
    const reason = reasonOf(thrown)
    const isRefusal = reason === 'invalid-result' || reason === 'invalid-payload'
    const error = isRefusal ? refusalOf(thrown) : failureOf(thrown)
    const isFinal = reason === 'invalid-payload' || reason === 'program-changed'
    this.#end({ outcome: 'failed', error: isFinal ? { ...error, retryable: false } : error, reason })
  }

  get #isLate(): boolean {
    const { timeoutMs } = this.task.work
    return timeoutMs !== undefined && this.clock.monotonic() - this.startedAt > timeoutMs
  }

  /** The grace is over and the handler has not settled. */
  #giveUp(): void {
    if (this.#isOver) return
    this.#stuckSince = this.clock.monotonic()
    this.#end(undefined)
  }

  /** The handler has settled after the end of its attempt. */
  #settled(): void {
    if (!this.isStuck) return
    this.#stuckSince = undefined
    this.#options.observer.onUnstuck(this)
  }

  #end(ending: Ending | SleptEnding | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer?.cancel()
    // A handler that blocks the event loop has ended before the timer of its limit could fire.
    if (this.#abortKind === undefined && this.#isLate) this.#abortKind = 'timeout'
    const final = this.#abortKind ? this.#abortedEnding() : ending
    this.#options.trace.end(traceOf(final))
    this.#options.observer.onEnd(this, final)
  }

  #abortedEnding(): Ending | undefined {
    if (this.#abortKind === 'timeout') return { outcome: 'timed_out', error: this.#timeoutFailure() }
    return this.#abortKind === 'cancel' ? { outcome: 'cancelled' } : undefined
  }

  #timeoutFailure(): Failure {
    return { name: 'TimeoutError', message: `The attempt took longer than its limit of ${this.task.work.timeoutMs} ms` }
  }

  /** Listeners are code of the handler. */
  #abortSignal(reason: DOMException): void {
    attributedTo(this, () => this.#controller?.abort(reason))
  }

  #abortReason(): DOMException {
    if (this.#abortKind === 'timeout') return new DOMException(this.#timeoutFailure().message, 'TimeoutError')
    return new DOMException(this.#abortKind === 'cancel' ? 'The run was cancelled' : 'The executor is stopping', 'AbortError')
  }
}

const otherProgram = (bound: string, own: string) => `Its steps began with program ${bound}, and this is ${own}, which does not accept it.`

/** The SDK itself refused it: a stack within the SDK has no information. */
function refusalOf(error: unknown): Failure {
  const { name, message } = failureOf(error)
  return { name: CarillonError.is(error) ? error.code : name, message }
}

const RESULT_CODES: ReadonlySet<ErrorCode> = new Set(['RESULT_TOO_LARGE', 'RESULT_NOT_JSON', 'JSON_TOO_DEEP', 'INTEGER_TOO_LARGE'])

/** Anything can be thrown: also a value that throws when it is read. */
function reasonOf(thrown: unknown): Ending['reason'] {
  try {
    if (thrown instanceof PayloadRefused) return 'invalid-payload'
    if (thrown instanceof ResultRefused) return 'invalid-result'
    if (thrown instanceof ProgramChanged) return 'program-changed'
    // The result of a step.
    if (CarillonError.is(thrown) && RESULT_CODES.has(thrown.code) && /^result\b/.test(thrown.details.field ?? '')) return 'invalid-result'
    return isNonRetryable(thrown) ? 'non-retryable' : undefined
  } catch {
    return undefined
  }
}

/** The error of a trace: of an attempt that failed, or did not end. */
function traceOf(ending: Ending | SleptEnding | undefined): string | undefined {
  if (ending?.outcome === 'succeeded' || ending?.outcome === 'slept') return undefined
  return ending?.error?.message ?? 'released'
}
