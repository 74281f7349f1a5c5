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

/** Thrown by a handler: try again, but not before `retryAfterMs` (whole ms from now). Counts as an attempt. */
export class RetryAfterError extends Error {
  override readonly name: string = 'RetryAfterError'
  readonly retryAfterMs: number
  readonly [RETRY_AFTER] = true

  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(message, options)
    this.retryAfterMs = retryAfterMs
  }

  static is(error: unknown): error is RetryAfterError {
    return typeof error === 'object' && error !== null && RETRY_AFTER in error
  }
}
