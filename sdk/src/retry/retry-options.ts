import {
  CarillonError,
  checkName,
  type DelayBackoff,
  type ErrorCode,
  inMilliseconds,
  LIMITS,
  parseInput,
  printable,
  RETRY_DURATIONS,
  type RetryCallback,
  startRunSchema,
} from '@carillon/contracts'
import { checkObject } from '../check-object.ts'
import { type DelayBackoffInput, withoutUndefined } from '../client/start-item.ts'
import type { Written } from '../written.ts'

/**
 * Where a failed call is tried again: `local` by the caller, who waits and gets the last error; `remote` by the mesh, after one try; `local-then-remote` by the mesh when the
 * tries of the caller are used up.
 */
export type RetryStrategy = 'local' | 'remote' | 'local-then-remote'

/** What starts when a retry of the mesh has ended: a job or, where no such job is stored, a handler. By default it is tried 3 times, 60 s each. */
export interface RetryCallbackOptions {
  readonly job: string
  readonly attempts?: number | undefined
  readonly backoff?: Written<DelayBackoffInput> | undefined
  readonly timeoutMs?: number | undefined
  /** `timeoutMs` as text: `30s`. */
  readonly timeout?: string | undefined
}

interface LocalTries {
  readonly attempts?: number | undefined
  readonly delayMs?: number | undefined
}
interface RetryBudget {
  readonly count: number
  readonly periodMs: number
}

export interface RetryableOptions<Arguments extends readonly unknown[] = readonly never[], Strategy extends RetryStrategy = RetryStrategy> {
  /** Names the function in the mesh, which tries it as the handler of this name, in any process that has it. */
  readonly scene: string
  /** Default `local-then-remote`. */
  readonly strategy?: Strategy | undefined
  /** Tries of the caller, the first one included (default 3), and the pause between them (default 2,000), of which up to a half is left out at random. */
  readonly local?: Written<LocalTries> | undefined
  /**
   * What makes a call the same call: the mesh retries it once, also when it fails again in another process. Default: all its arguments. `undefined`: this
   * call is like no other.
   */
  readonly key?: ((...args: Arguments) => string | undefined) | undefined
  /** Total tries of the mesh. Default 5. */
  readonly attempts?: number | undefined
  /** Time limit of a try of the mesh. Default 5,000. */
  readonly timeoutMs?: number | undefined
  /** `timeoutMs`, and so is the following, as text: `30s`, `2d`. */
  readonly timeout?: string | undefined
  readonly deadline?: string | undefined
  /** Before each try of the mesh. Default: 10 s, 15 s, 30 s, and so on up to 12 h, each shorter by up to a fifth. */
  readonly backoff?: Written<DelayBackoffInput> | undefined
  /** Errors after which there is no further try: names such as `TypeError`, or codes of errors or of their causes such as `ENOTFOUND`. */
  readonly nonRetryable?: readonly string[] | undefined
  /**
   * How many retries of the scene the mesh starts within a period; the others wait, in the order in which they are due. Default 600 within 60,000 ms; `false`: any number.
   * Callers have a budget, too: a fifth of their calls, and 20 at once, are tried again by themselves.
   */
  readonly budget?: Written<RetryBudget> | false | undefined
  /** Time for all of it, from the call on; where less than a try takes is left there is no further one. None by default. */
  readonly deadlineMs?: number | undefined
  /** Started once when a retry of the mesh has succeeded. Its payload has `retry`: scene, runId, key, outcome, result, attempts. */
  readonly onSuccess?: string | RetryCallbackOptions | undefined
  /** Started once when the mesh has given up: `retry` has the failure instead. */
  readonly onExhausted?: string | RetryCallbackOptions | undefined
  /** Tries of the mesh that run at once in this process. Default 10. */
  readonly concurrency?: number | undefined
  /** Shown to people. */
  readonly description?: string | undefined
}

/** Options with all defaults. */
export interface RetryPolicy {
  readonly scene: string
  readonly strategy: RetryStrategy
  readonly localAttempts: number
  readonly localDelayMs: number
  readonly key: ((...args: never) => unknown) | undefined
  readonly attempts: number
  readonly timeoutMs: number
  readonly backoff: DelayBackoff
  readonly nonRetryable: readonly string[] | undefined
  readonly budget: { readonly count: number; readonly periodMs: number } | undefined
  readonly deadlineMs: number | undefined
  readonly onSuccess: RetryCallback | undefined
  readonly onExhausted: RetryCallback | undefined
}

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000]
/** The waits of a retry, in ms: dense while an outage is short, sparse when it is not. */
const DELAY_TABLE_MS: readonly number[] = [
  ...[10, 15, 30, 35, 40, 50].map((s) => s * SECOND),
  ...[1, 2, 4, 6, 8, 10, 20, 40].map((m) => m * MINUTE),
  ...Array.from({ length: 12 }, (_, i) => (i + 1) * HOUR),
]
/** As wide as ±10 %, so that what failed together does not come back together. */
const JITTER = 0.2
const CALLBACK = { attempts: 3, timeoutMs: MINUTE }
/** Ten retries a second: many after a short outage, few for what has just come back. */
const BUDGET = { count: 600, periodMs: MINUTE }
const STRATEGIES: readonly RetryStrategy[] = ['local', 'remote', 'local-then-remote']
const FIELDS = [
  ...['scene', 'strategy', 'local', 'key', 'attempts', 'timeoutMs', 'backoff', 'nonRetryable', 'budget', 'deadlineMs'],
  ...['onSuccess', 'onExhausted', 'concurrency', 'description'],
]

/** With all durations in milliseconds. */
type Exact<Arguments extends readonly unknown[]> = Omit<RetryableOptions<Arguments>, 'local' | 'budget'> & {
  readonly local?: LocalTries
  readonly budget?: RetryBudget | false
}

/** @throws CarillonError INVALID_NAME, INVALID_REQUEST, INVALID_DELAY: names the field */
export function retryPolicyOf<Arguments extends readonly unknown[]>(given: RetryableOptions<Arguments>): RetryPolicy {
  const options = inMilliseconds(checkObject('options', given), RETRY_DURATIONS) as Exact<Arguments>
  for (const field of Object.keys(options))
    if (!FIELDS.includes(field)) throw wrong(field, options[field as never], `Use ${FIELDS.join(', ')}.`)
  const { strategy = 'local-then-remote', key, attempts = 5, timeoutMs = 5_000, nonRetryable, budget = BUDGET, deadlineMs } = options
  const scene = checkName('scene', options.scene)
  if (!STRATEGIES.includes(strategy)) throw wrong('strategy', strategy, `Use ${STRATEGIES.join(', ')}.`)
  if (key !== undefined && typeof key !== 'function') throw wrong('key', key, 'Pass a function of the arguments that answers text.')
  const local = localOf(options.local ?? {}, strategy)
  const backoff = options.backoff ?? { type: 'list' as const, delaysMs: DELAY_TABLE_MS, jitter: JITTER }
  const callbacks = { onSuccess: callbackOf(options.onSuccess), onExhausted: callbackOf(options.onExhausted) }
  const checked = parseInput(
    startRunSchema,
    withoutUndefined({
      ...{ handler: scene, attempts, timeoutMs, backoff, nonRetryable },
      retry: withoutUndefined({ localTries: 0, ...callbacks }),
    }),
    'options',
  )
  if (deadlineMs !== undefined && !(Number.isSafeInteger(deadlineMs) && deadlineMs >= 1))
    throw wrong('deadlineMs', deadlineMs, 'Use whole milliseconds from 1.', 'INVALID_DELAY')
  if (checked.backoff?.type === 'cron') throw wrong('backoff', checked.backoff, 'Use any but cron: a retry follows its failure.')
  return {
    ...{
      scene,
      strategy,
      ...local,
      key,
      attempts,
      timeoutMs,
      nonRetryable,
      deadlineMs,
      budget: budget === false ? undefined : budgetOf(budget),
    },
    backoff: checked.backoff as DelayBackoff,
    onSuccess: checked.retry?.onSuccess,
    onExhausted: checked.retry?.onExhausted,
  }
}

function budgetOf(given: RetryBudget) {
  const { count, periodMs, ...rest } = checkObject('budget', given)
  for (const [field, value] of Object.entries(rest)) throw wrong(`budget.${field}`, value, 'Use count and periodMs.')
  if (!(Number.isInteger(count) && count >= 1 && count <= LIMITS.rateCount))
    throw wrong('budget.count', count, `Use a whole number from 1 to ${LIMITS.rateCount}.`)
  if (!(Number.isInteger(periodMs) && periodMs >= 100 && periodMs <= LIMITS.ratePeriodMaxMs))
    throw wrong('budget.periodMs', periodMs, `Use whole milliseconds from 100 to ${LIMITS.ratePeriodMaxMs}.`)
  return { count, periodMs }
}

function localOf(given: LocalTries, strategy: RetryStrategy) {
  const { attempts = strategy === 'remote' ? 1 : 3, delayMs = 2_000, ...rest } = checkObject('local', given)
  for (const [field, value] of Object.entries(rest)) throw wrong(`local.${field}`, value, 'Use attempts and delayMs.')
  if (!(Number.isInteger(attempts) && attempts >= 1 && attempts <= LIMITS.attempts))
    throw wrong('local.attempts', attempts, `Use a whole number from 1 to ${LIMITS.attempts}: total tries of the caller.`)
  if (strategy === 'remote' && attempts > 1) throw wrong('local.attempts', attempts, 'With the strategy "remote" the caller tries once.')
  if (!(Number.isInteger(delayMs) && delayMs >= 0 && delayMs <= LONGEST_LOCAL_PAUSE_MS))
    throw wrong('local.delayMs', delayMs, `Use whole milliseconds up to ${LONGEST_LOCAL_PAUSE_MS}: the caller waits.`)
  return { localAttempts: attempts, localDelayMs: delayMs }
}

/** Longer pauses are those of the mesh: a caller that waits may be stopped, and its call is lost then. */
export const LONGEST_LOCAL_PAUSE_MS = MINUTE

const callbackOf = (given: string | RetryCallbackOptions | undefined) =>
  given === undefined
    ? undefined
    : withoutUndefined({ ...CALLBACK, ...(typeof given === 'string' ? { job: given } : withoutUndefined(checkObject('callback', given))) })

function wrong(field: string, given: unknown, ...[hint, code = 'INVALID_REQUEST']: [hint: string, code?: ErrorCode]): CarillonError {
  const value = printable(given)
  return new CarillonError(code, `${field} is wrong: ${value}`, { field, value, hint })
}
