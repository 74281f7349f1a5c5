import { CarillonError, LIMITS, printable } from '@carillon/contracts'

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

/** Thrown by a handler: try again, but not before `retryAfterMs` (ms from now, up to ten years; 0 or less: no pause of its own). Counts as an attempt. */
export class RetryAfterError extends Error {
  override readonly name: string = 'RetryAfterError'
  readonly retryAfterMs: number
  readonly [RETRY_AFTER] = true

  /** @throws CarillonError INVALID_DELAY, with the message, for what is no number of milliseconds: without it the wait would be another one than was meant */
  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(message, options)
    if (!(typeof retryAfterMs === 'number' && retryAfterMs <= LONGEST_RETRY_AFTER_MS)) {
      const value = printable(retryAfterMs)
      const hint = 'Use milliseconds from now, up to ten years.'
      throw new CarillonError('INVALID_DELAY', `retryAfterMs is wrong: ${value} (of the error: ${message})`, {
        field: 'retryAfterMs',
        value,
        hint,
      })
    }
    this.retryAfterMs = retryAfterMs
  }

  static is(error: unknown): error is RetryAfterError {
    return typeof error === 'object' && error !== null && RETRY_AFTER in error
  }
}
