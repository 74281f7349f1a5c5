import { backoffMs, CarillonError, type DelayBackoff, isExcluded, type RunState } from '@carillon/contracts'
import { type Clock, jitter, pause, randomLetters } from '@carillon/wire/internal'
import { failureOf } from '../executor/failure.ts'
import { NonRetryableError } from '../executor/handler-errors.ts'
import type { TaskContext } from '../executor/task-context.ts'
import { ARGUMENTS_KEY, argumentsText, keyOfCall } from './call-text.ts'
import { LocalBudget } from './local-budget.ts'
import { LONGEST_LOCAL_PAUSE_MS, type RetryPolicy, type RetryStrategy } from './retry-options.ts'
import { inScope, retryScope, timeLeft } from './retry-scope.ts'
import type { RetriedFunction, RetryStarter } from './retry-starter.ts'

/** The call has failed, and the mesh tries it again. */
export interface Deferred {
  /** The id of the run that does. */
  readonly deferred: string
  /** It was there already, by the key of the call: this call is a duplicate of it. It may have ended. */
  readonly duplicateOf?: string
  /** Of a duplicate, where the mesh can be asked: the state of that run. Where it has failed it is a dead letter: nothing is done until a person decides. */
  readonly state?: RunState
  /** `outbox`: the mesh could not be reached, and the call is in the file of this process until it can. */
  readonly keptIn: 'mesh' | 'outbox'
}

type Returned<Result> = Promise<Awaited<Result>>

/** What a retryable function answers: with the strategy `local` always what the function returns. */
export type Retried<Result, Strategy extends RetryStrategy> = Strategy extends 'local'
  ? Returned<Result>
  : Promise<Awaited<Result> | Deferred>

/** One retryable function of this process. @internal */
export class Retryable implements RetriedFunction {
  readonly #policy: RetryPolicy
  readonly #run: (...args: never) => unknown
  readonly #starter: RetryStarter
  readonly #clock: Clock
  readonly #budget = new LocalBudget()

  constructor(policy: RetryPolicy, run: (...args: never) => unknown, { starter, clock }: { starter: RetryStarter; clock: Clock }) {
    this.#policy = policy
    this.#run = run
    this.#starter = starter
    this.#clock = clock
  }

  async call(args: readonly unknown[]): Promise<unknown> {
    // The outermost retries: else layers of retries would multiply.
    if (retryScope()) return this.#apply(args)
    const startedAt = this.#clock.monotonic()
    const { strategy, scene, deadlineMs } = this.#policy
    const isRemote = strategy !== 'local'
    const text = isRemote ? argumentsText(args) : ''
    const key = isRemote ? keyOfCall(scene, this.#ownKey(args), text) : ''
    const leftMs = timeLeft(this.#clock, startedAt, deadlineMs)
    this.#budget.earn()
    const failed = await this.#locally(args, leftMs)
    if ('result' in failed) return failed.result
    const { error, tries, waitMs } = failed
    if (!isRemote || waitMs === undefined) throw error
    const delayMs = this.#firstDelay(waitMs, leftMs())
    if (delayMs === undefined) throw error
    return this.#defer({ key, payload: JSON.parse(text), delayMs, leftMs: leftMs(), tries, error })
  }

  attempt({ payload, attempt, runId, handler }: TaskContext): unknown {
    if (!Array.isArray(payload)) throw new NonRetryableError(`The payload of scene ${handler} is not a list of arguments`)
    const leftMs = timeLeft(this.#clock, this.#clock.monotonic(), this.#policy.timeoutMs)
    return inScope({ scene: this.#policy.scene, attempt, runId, leftMs }, () => this.#apply(payload))
  }

  #apply(args: readonly unknown[]): unknown {
    return this.#run(...(args as never))
  }

  #ownKey(args: readonly unknown[]): unknown {
    const { key } = this.#policy
    if (key === undefined) return ARGUMENTS_KEY
    const own = key(...(args as never))
    return own === undefined ? randomLetters(26) : own
  }

  /** @returns the result, or the last error with the pause that it requests; without one it must not be tried again */
  async #locally(args: readonly unknown[], leftMs: () => number | undefined): Promise<{ result: unknown } | LocalFailure> {
    const { scene, localAttempts, localDelayMs, nonRetryable } = this.#policy
    for (let attempt = 1; ; attempt++) {
      try {
        return { result: await inScope({ scene, attempt, runId: undefined, leftMs }, () => this.#apply(args)) }
      } catch (error) {
        const failure = failureOf(error)
        if (failure.retryable === false || isExcluded(failure, nonRetryable)) return { error, tries: attempt, waitMs: undefined }
        const waitMs = failure.retryAfterMs ?? 0
        const pauseMs = Math.max(waitMs, jitter(localDelayMs))
        const isOver = pauseMs > LONGEST_LOCAL_PAUSE_MS || pauseMs >= (leftMs() ?? Number.POSITIVE_INFINITY)
        if (attempt === localAttempts || isOver || !this.#budget.spend()) return { error, tries: attempt, waitMs }
        await pause(this.#clock, pauseMs)
      }
    }
  }

  /** Before the first try of the mesh; undefined: the deadline leaves no time for one. */
  #firstDelay(waitMs: number, leftMs: number | undefined): number | undefined {
    const { backoff, timeoutMs } = this.#policy
    const delayMs = waitMs > 0 ? waitMs : backoffMs(backoff, { failed: 1, seed: randomLetters(16) })
    if (leftMs === undefined) return delayMs
    const latestMs = Math.floor(leftMs) - timeoutMs
    if (latestMs < 0 || waitMs > latestMs) return undefined
    return Math.min(delayMs, latestMs)
  }

  async #defer(call: { key: string; payload: unknown; delayMs: number; leftMs: number | undefined; tries: number; error: unknown }) {
    const { scene, attempts, timeoutMs, backoff, nonRetryable, budget, onSuccess, onExhausted } = this.#policy
    const { key, payload, delayMs, leftMs, tries: localTries, error } = call
    const request = {
      ...{ handler: scene, payload, key, delayMs, attempts, timeoutMs, nonRetryable },
      backoff: afterFirst(backoff),
      rate: budget,
      endWithinMs: leftMs === undefined ? undefined : Math.max(1, Math.floor(leftMs)),
      retry: { localTries, ...(onSuccess && { onSuccess }), ...(onExhausted && { onExhausted }) },
    }
    try {
      const { runId, created, state, keptIn } = await this.#starter.start(request)
      return { deferred: runId, ...(created ? {} : { duplicateOf: runId }), ...(state && { state }), keptIn } satisfies Deferred
    } catch (refusal) {
      throw notDeferred(scene, CarillonError.from(refusal), error)
    }
  }
}

interface LocalFailure {
  readonly error: unknown
  readonly tries: number
  readonly waitMs: number | undefined
}

/** The wait before the first try of the mesh is the delay of its run. */
function afterFirst(backoff: DelayBackoff): DelayBackoff {
  if (backoff.type === 'list') return { ...backoff, delaysMs: backoff.delaysMs.length > 1 ? backoff.delaysMs.slice(1) : backoff.delaysMs }
  if (backoff.type === 'exponential') return { ...backoff, delayMs: Math.min(backoff.maxMs, Math.round(backoff.delayMs * backoff.factor)) }
  return backoff
}

/** The call failed, and its retry could not be stored: the error has the code of that, and the failure of the call as its cause. */
function notDeferred(scene: string, refusal: CarillonError, cause: unknown): CarillonError {
  const { code, message, details, retry } = refusal
  return new CarillonError(code, `${scene} failed, and cannot be retried by the mesh: ${message}`, { ...details, retry, cause })
}
