import { LIMITS } from '@carillon/contracts'
import { systemClock } from '@carillon/wire/internal'
import { momentOf, type TimeOrDuration, wrongMoment } from '../moment.ts'

const NON_RETRYABLE = Symbol.for('carillon.non-retryable')
const RETRY_AFTER = Symbol.for('carillon.retry-after')

/** Thrown by a handler: a retry would fail again. The run ends `failed` with reason `non-retryable`. */
export class NonRetryableError extends Error {
  override readonly name: string = 'NonRetryableError'
  readonly [NON_RETRYABLE] = true

  /** Whether a thrown value is one, also from another copy of this package. */
  static is(error: unknown): error is NonRetryableError {
    return typeof error === 'object' && error !== null && NON_RETRYABLE in error
  }
}

/** The longest pause that can be asked for. */
export const LONGEST_RETRY_AFTER_MS = LIMITS.horizonYears * 365 * 86_400_000

/**
 * Thrown by a handler: try again, but not before `retryAfterMs`. Counts as an attempt.
 * @example throw new RetryAfterError('the account is locked', '10m')
 */
export class RetryAfterError extends Error {
  override readonly name: string = 'RetryAfterError'
  readonly retryAfterMs: number
  readonly [RETRY_AFTER] = true

  /**
   * @param retryAfter in how long, or when: milliseconds or `'10m'`, up to ten years, or a time by the clock of this machine; what is 0 or less, or has
   *   passed: no pause of its own
   * @throws CarillonError INVALID_DELAY, with the message, for anything else: without it the wait would be another one than was meant
   */
  constructor(message: string, retryAfter: TimeOrDuration, options?: ErrorOptions) {
    super(message, options)
    const about = ` (of the error: ${message})`
    const moment = momentOf('retryAfter', retryAfter, about)
    this.retryAfterMs = 'at' in moment ? Math.max(0, moment.at - systemClock.now()) : moment.forMs
    if (this.retryAfterMs > LONGEST_RETRY_AFTER_MS) throw wrongMoment('retryAfter', retryAfter, about)
  }

  static is(error: unknown): error is RetryAfterError {
    return typeof error === 'object' && error !== null && RETRY_AFTER in error
  }
}
