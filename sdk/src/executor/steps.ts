import { AsyncLocalStorage } from 'node:async_hooks'
import {
  backoffMs,
  CarillonError,
  type ChildRunView,
  checkName,
  DEFAULT_BACKOFF,
  type DelayBackoff,
  durationField,
  isEnded,
  isExcluded,
  type JournalEntry,
  LIMITS,
  parseInput,
  printable,
  type StepCall,
  stepPolicySchema,
  type Wait,
  writeJson,
} from '@carillon/contracts'
import { type LoopClock, pause } from '@carillon/wire/internal'
import type { DelayBackoffInput } from '../client/start-item.ts'
import type { TimeOrDuration } from '../moment.ts'
import { forever, turnOf } from '../turn.ts'
import { ChildRunFailed } from './child-run-failed.ts'
import { type ChildRunRequest, startedOf } from './child-runs.ts'
import { failureOf, isNonRetryable } from './failure.ts'
import { NonRetryableError } from './handler-errors.ts'
import type { PendingCalls } from './pending-calls.ts'
import { checkedBy, checkSchema, PayloadRefused, type StandardSchema } from './standard-schema.ts'
import { failureAgain, HORIZON_MS, sleeping } from './step-outcomes.ts'

export interface StepOptions {
  /** How often the step is tried before its error reaches the handler. Default 1. */
  readonly attempts?: number | undefined
  /** Pause before the next try; no slot is held during it. Default: exponential, 1 s, factor 2, at most 5 min. */
  readonly backoff?: DelayBackoffInput | undefined
  /** Errors after which the step is not tried again: names such as `TypeError`, or codes of errors or of their causes. */
  readonly nonRetryable?: readonly string[] | undefined
}

/** What steps need of the attempt that runs their task. @internal */
export interface StepPort {
  readonly clock: LoopClock
  readonly taskId: string
  readonly signal: AbortSignal
  /** The attempt has ended. */
  readonly isOver: boolean
  /** The process is to end: steps that have not begun run on another instance. */
  readonly isDraining: boolean
  journal(): Promise<ReadonlyMap<number, JournalEntry>>
  store(step: Pick<StepCall, 'index' | 'name' | 'try' | 'outcome'>): Promise<JournalEntry>
  /** Starts a child run, unless it is there, and answers how it is. */
  run(request: ChildRunRequest): Promise<ChildRunView>
  /** Ends the attempt here; the task goes on after this time, or when a signal has come that one of these steps waits for. */
  suspend(until: { readonly delayMs: number | undefined; readonly waits: readonly Wait[] }): void
  /** Ends the attempt here; the task waits for a program that fits. */
  changed(error: ProgramChanged): void
}

export interface WaitOptions<Schema extends StandardSchema = StandardSchema> {
  /** How long it waits at most, from when it began; no process is held. Default: for ever. */
  readonly timeoutMs?: number | undefined
  /** Checks the payload, and types it. */
  readonly schema?: Schema | undefined
}

/** Stored steps do not match those of the program. The run waits for one that fits, reason `program-changed`. */
export class ProgramChanged extends Error {
  override readonly name = 'ProgramChanged'
}

/** A sleep with no more than this left is waited for in this process. */
const SHORT_MS = 1_000
const SLEEP = 'sleep'
/** The steps of the task whose step is being done. */
const within = new AsyncLocalStorage<Steps>()

/**
 * The steps of one task: the result of a step is stored before the next one begins, and the step is not run again. Steps are identified
 * by their order, which must be the same in every attempt; their names are compared to detect a change.
 * @internal
 */
export class Steps {
  readonly #port: StepPort
  readonly #pending: PendingCalls
  readonly #names = new Set<string>()
  /** On the monotonic clock. Of several waiting calls the earliest decides. */
  #wakeAt = Number.POSITIVE_INFINITY
  #isSuspended = false
  /** Steps that wait for signals, since this attempt began. */
  readonly #waits: Wait[] = []
  /** Waits are stored in their order: of two for one signal the first takes the first. */
  #turn: Promise<unknown> = Promise.resolve()
  /** Its steps are not those that are stored. */
  #isChanged = false
  #next = 0
  #journal: Promise<ReadonlyMap<number, JournalEntry>> | undefined
  /** On the monotonic clock: when the journal was read. */
  #readAt = 0

  constructor(port: StepPort, pending: PendingCalls) {
    this.#port = port
    this.#pending = pending
  }

  step<Result>(name: string, run: () => Result | PromiseLike<Result>, options: StepOptions = {}): Promise<Result> {
    return this.#pending.watch(this.#inProgram(this.#step(name, run, options)) as Promise<Result>)
  }

  sleep(until: TimeOrDuration): Promise<void> {
    return this.#pending.watch(this.#inProgram(this.#sleep(until)))
  }

  waitFor(name: string, options: WaitOptions = {}): Promise<unknown> {
    return this.#pending.watch(this.#inProgram(this.#waitFor(name, options)))
  }

  run(name: string, request: Omit<ChildRunRequest, 'step'>): Promise<unknown> {
    return this.#pending.watch(this.#inProgram(this.#run(name, request)))
  }

  /** Whether the caller is one of the steps. */
  get isWithin(): boolean {
    return within.getStore() === this
  }

  /** The task continues in another attempt: calls of this one never settle. */
  get isSuspending(): boolean {
    return this.#isChanged || this.#wakeAt < Number.POSITIVE_INFINITY || this.#waits.length > 0
  }

  /** The handler and all its calls have ended. @throws ProgramChanged when steps are stored that the program did not reach */
  async checkWhole(): Promise<void> {
    for (const { index, name } of (await this.#journal)?.values() ?? []) {
      if (index < this.#next) continue
      throw new ProgramChanged(`Step ${index + 1} was "${name}", and the program ends before it: it was changed. ${REMEDY}`)
    }
  }

  /** A call never settles where the program does not fit: nothing of the handler is executed from there on, `catch` and `finally` neither. */
  async #inProgram<Result>(call: Promise<Result>): Promise<Result> {
    try {
      return await call
    } catch (error) {
      if (!(error instanceof ProgramChanged)) throw error
      return this.#changed(error)
    }
  }

  async #changed(error: ProgramChanged): Promise<never> {
    if (this.#isChanged) return forever()
    this.#isChanged = true
    await this.#pending.quiet(() => turnOf(this.#port.clock))
    if (!this.#isSuspended) this.#port.changed(error)
    this.#isSuspended = true
    return forever()
  }

  async #step(name: string, run: () => unknown, options: StepOptions): Promise<unknown> {
    const index = this.#next++
    this.#checkPlace(name)
    const policy = policyOf(options)
    this.#checkNew(name)
    if (typeof run !== 'function') throw wrong('run', run, 'Pass a function.')
    const known = await this.#known(index, name, STEP_STATES)
    if (known?.state === 'done') return known.result
    if (known?.isFinal) throw failureAgain(known)
    if (this.#port.isDraining) return this.#suspend(this.#port.clock.monotonic())
    const outcome = await this.#pending.track(this.#do({ index, name, known, policy }, run))
    return 'result' in outcome ? outcome.result : this.#suspend(outcome.retryAt)
  }

  async #sleep(until: TimeOrDuration): Promise<void> {
    const index = this.#next++
    this.#checkPlace(SLEEP)
    const outcome = sleeping(until, this.#port.clock.now())
    const known = await this.#known(index, SLEEP, SLEEP_STATES)
    const sleep = known ?? (await this.#pending.track(this.#store({ index, name: SLEEP, try: 1, outcome })))
    // The coordinator computes how much is left: the clocks of two executors may differ.
    const { clock } = this.#port
    const wakeAt = (known ? this.#readAt : clock.monotonic()) + (sleep.leftMs ?? 0)
    const leftMs = wakeAt - clock.monotonic()
    if (leftMs <= 0) return
    if (leftMs > SHORT_MS || this.#port.isDraining) await this.#suspend(wakeAt)
    await this.#pending.track(pause(clock, leftMs, this.#port.signal))
  }

  async #waitFor(name: string, { timeoutMs, schema }: WaitOptions): Promise<unknown> {
    const index = this.#next++
    this.#checkPlace(name)
    checkName('signal', name)
    checkSchema('schema', schema)
    if (timeoutMs !== undefined) parseInput(durationField, timeoutMs, 'timeoutMs')
    const known = await this.#known(index, name, WAIT_STATES)
    const settled = known && known.state !== 'waiting' ? known : await this.#pending.track(this.#wait({ index, name, timeoutMs }))
    if (settled.state === 'timed_out') return undefined
    if (settled.state === 'received') return schema ? checkedSignal(schema, name, settled.result) : settled.result
    const leftMs = settled.leftMs ?? Number.POSITIVE_INFINITY
    return this.#suspend(this.#port.clock.monotonic() + leftMs)
  }

  /** It is a step that is done when the run has ended, or at once when it is detached. Until then no process is held: the coordinator queues the task again. */
  async #run(name: string, request: Omit<ChildRunRequest, 'step'>): Promise<unknown> {
    const index = this.#next++
    this.#checkPlace(name)
    if (index >= LIMITS.steps || this.#waits.length >= LIMITS.waitsAtOnce) throw wrong('job', name, TOO_MANY_WAITS)
    const known = await this.#known(index, name, STEP_STATES)
    if (known?.state === 'done') return known.result
    if (known?.isFinal) throw failureAgain(known)
    if (this.#port.isDraining) return this.#suspend(this.#port.clock.monotonic())
    const child = await this.#pending.track(this.#port.run({ ...request, step: index }))
    if (!request.detached && !isEnded(child.state)) {
      this.#waits.push({ step: index, signal: name, child: child.runId })
      return this.#suspend(Number.POSITIVE_INFINITY)
    }
    const step = { index, name, try: (known?.tries ?? 0) + 1 }
    if (request.detached || child.state === 'succeeded') {
      const result = request.detached ? startedOf(child) : (child.result ?? null)
      return (await this.#pending.track(this.#store({ ...step, outcome: { type: 'done', result } }))).result
    }
    const error = new ChildRunFailed(child)
    await this.#pending.track(this.#store({ ...step, outcome: { type: 'failed', failure: failureOf(error), isFinal: true } }))
    throw error
  }

  /** Repeated, it answers what became of the wait. */
  #wait({ index, name, timeoutMs }: { index: number; name: string; timeoutMs: number | undefined }): Promise<JournalEntry> {
    const stored = this.#turn.then(async () => {
      if (index >= LIMITS.steps || this.#waits.length >= LIMITS.waitsAtOnce) throw wrong('signal', name, TOO_MANY_WAITS)
      const isBehind = this.#waits.some(({ signal }) => signal === name)
      const outcome = { type: 'waiting', ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(isBehind ? { isBehind } : {}) } as const
      const entry = await this.#store({ index, name, try: 1, outcome })
      if (entry.state === 'waiting') this.#waits.push({ step: index, signal: name })
      return entry
    })
    this.#turn = stored.catch(() => undefined)
    return stored
  }

  async #do(
    step: { index: number; name: string; known: JournalEntry | undefined; policy: Policy },
    run: () => unknown,
  ): Promise<{ result: unknown } | { retryAt: number }> {
    const { index, name, known, policy } = step
    const tries = (known?.tries ?? 0) + 1
    let result: unknown
    try {
      result = await within.run(this, run)
    } catch (error) {
      if (this.#port.signal.aborted) throw error
      const failed = (known?.failures ?? 0) + 1
      const failure = failureOf(error)
      const isFinal = failed >= policy.attempts || isNonRetryable(error) || isExcluded(failure, policy.nonRetryable)
      await this.#store({ index, name, try: tries, outcome: { type: 'failed', failure, isFinal } })
      if (isFinal) throw error
      const seed = `${this.#port.taskId}/${index}/${tries}`
      const pauseMs = Math.max(backoffMs(policy.backoff, { failed, seed }), failure.retryAfterMs ?? 0)
      return { retryAt: this.#port.clock.monotonic() + Math.min(pauseMs, HORIZON_MS) }
    }
    checkResult(result)
    return { result: (await this.#store({ index, name, try: tries, outcome: { type: 'done', result: result ?? null } })).result }
  }

  /** The stored entry of a step. @throws ProgramChanged, TASK_NOT_RUNNING, the reason of an abort */
  async #known(index: number, name: string, states: readonly JournalEntry['state'][]): Promise<JournalEntry | undefined> {
    await this.#open()
    this.#journal ??= this.#pending.track(this.#read())
    const known = (await this.#journal).get(index)
    await this.#open()
    if (known) checkSame(known, name, states)
    return known
  }

  async #read(): Promise<ReadonlyMap<number, JournalEntry>> {
    const journal = await this.#port.journal()
    this.#readAt = this.#port.clock.monotonic()
    return journal
  }

  /** Of an attempt that is over, or is to stop, no step begins: the next one does it. */
  async #open(): Promise<void> {
    if (this.#isSuspended) await forever()
    this.#port.signal.throwIfAborted()
    if (this.#port.isOver) throw new CarillonError('TASK_NOT_RUNNING', 'The handler has returned: its task has no further steps')
  }

  async #store(step: Parameters<StepPort['store']>[0]): Promise<JournalEntry> {
    const stored = await this.#port.store(step)
    checkSame(stored, step.name, statesOf(step.outcome))
    return stored
  }

  /** Never settles: the attempt ends when nothing is under way, and the next one continues. */
  async #suspend(wakeAt: number): Promise<never> {
    this.#wakeAt = Math.min(this.#wakeAt, wakeAt)
    await this.#pending.quiet(() => turnOf(this.#port.clock))
    // That a step is another one ends the attempt in its own way.
    if (this.#isChanged) return forever()
    if (!this.#isSuspended) {
      const leftMs = Math.max(0, this.#wakeAt - this.#port.clock.monotonic())
      this.#port.suspend({ delayMs: Number.isFinite(leftMs) ? leftMs : undefined, waits: this.#waits })
    }
    this.#isSuspended = true
    return forever()
  }

  /** A step waits for its calls, a sleep for the steps under way: one within the other would wait for ever. */
  #checkPlace(name: string): void {
    if (!this.isWithin) return
    const hint = 'A step is done as a whole: do the other one before or after it.'
    throw new CarillonError('INVALID_REQUEST', `step is wrong: ${printable(name)} is within another one`, {
      field: 'step',
      value: printable(name),
      hint,
    })
  }

  #checkNew(name: string): void {
    checkName('step', name)
    if (name !== SLEEP && !this.#names.has(name) && this.#next <= LIMITS.steps) {
      this.#names.add(name)
      return
    }
    const hint =
      this.#next > LIMITS.steps
        ? `A task has at most ${LIMITS.steps} steps.`
        : 'Give each step of a run a name of its own; "sleep" is taken.'
    throw new CarillonError('INVALID_REQUEST', `step is wrong: ${printable(name)} is taken`, {
      field: 'step',
      value: printable(name),
      hint,
    })
  }
}

function wrong(field: string, value: unknown, hint: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, { field, value: printable(value), hint })
}

/** @throws CarillonError RESULT_TOO_LARGE, RESULT_NOT_JSON */
function checkResult(result: unknown): void {
  writeJson(result, { field: 'result', maxBytes: LIMITS.resultBytes, tooLarge: 'RESULT_TOO_LARGE', notJson: 'RESULT_NOT_JSON' })
}

const REMEDY = 'It waits for an instance whose steps are the same.'

const STEP_STATES = ['done', 'failed'] as const
const SLEEP_STATES = ['sleeping'] as const
const WAIT_STATES = ['waiting', 'received', 'timed_out'] as const
const statesOf = ({ type }: StepCall['outcome']): readonly JournalEntry['state'][] =>
  type === 'waiting' ? WAIT_STATES : type === 'sleeping' ? SLEEP_STATES : STEP_STATES

/** @param states those of what is at this place of the program now */
function checkSame({ index, name, state }: JournalEntry, now: string, states: readonly JournalEntry['state'][]): void {
  if (name === now && states.includes(state)) return
  const [was, is] = [shownStep(state, name), shownStep(states[0] as JournalEntry['state'], now)]
  throw new ProgramChanged(`Step ${index + 1} was ${was} when it was stored, and is ${is} now: the program was changed. ${REMEDY}`)
}

const shownStep = (state: JournalEntry['state'], name: string) =>
  (WAIT_STATES as readonly string[]).includes(state) ? `a wait for signal "${name}"` : `"${name}"`

const TOO_MANY_WAITS = `A task has at most ${LIMITS.steps} steps, of which at most ${LIMITS.waitsAtOnce} wait for signals at the same time.`

/** @throws NonRetryableError: tried again, it would be refused again */
async function checkedSignal(schema: StandardSchema, name: string, payload: unknown): Promise<unknown> {
  try {
    return await checkedBy(schema, payload, (checked) => checked)
  } catch (error) {
    if (error instanceof PayloadRefused)
      throw new NonRetryableError(
        `Signal "${name}" has a payload that its schema refuses: ${error.message} (a retry from step ${name} waits for another one)`,
      )
    throw error
  }
}

interface Policy {
  readonly attempts: number
  readonly backoff: DelayBackoff
  readonly nonRetryable: readonly string[] | undefined
}

/** @throws CarillonError INVALID_REQUEST, INVALID_DELAY */
function policyOf({ attempts = 1, ...options }: StepOptions): Policy {
  if (!Number.isSafeInteger(attempts) || attempts < 1 || attempts > LIMITS.attempts)
    throw new CarillonError('INVALID_REQUEST', `attempts is wrong: ${printable(attempts)}`, {
      field: 'attempts',
      value: printable(attempts),
      hint: `Use a whole number from 1 to ${LIMITS.attempts}.`,
    })
  const { backoff = DEFAULT_BACKOFF, nonRetryable } = parseInput(stepPolicySchema, options, 'step')
  if (backoff.type === 'cron')
    throw wrong('backoff.type', backoff.type, 'The backoff of a step is fixed, exponential, list or random; cron is one of runs and jobs.')
  return { attempts, backoff, nonRetryable }
}
