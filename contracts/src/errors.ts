import type { ErrorBody } from './answers.ts'
import { ERROR_CODES, type ErrorCode } from './error-codes.ts'

/** The details of an error beside its code. `value` is shortened text, safe to print. */
export interface ErrorDetails {
  /** The offending field, as a path such as `schedule.cron`. */
  readonly field?: string | undefined
  /** The offending value. */
  readonly value?: string | undefined
  /** What would be right. */
  readonly hint?: string | undefined
  /** All that is wrong, where that may be more than one thing; the first one is that of `field`. */
  readonly problems?: readonly ErrorProblem[] | undefined
}

/** One of several things that are wrong. */
export interface ErrorProblem {
  /** Path of the field, such as `workflow.nodes.3.after`. */
  readonly field: string
  readonly value: string
  readonly problem: string
  readonly hint: string
}

const BRAND = Symbol.for('carillon.error')

/** The one error class of Carillon. Recognise it with `CarillonError.is`, which holds across duplicate installs. */
export class CarillonError extends Error {
  override readonly name = 'CarillonError'
  readonly code: ErrorCode
  /** Whether the same request may succeed later without being changed. */
  readonly retry: boolean
  readonly details: ErrorDetails
  readonly [BRAND] = true

  constructor(code: ErrorCode, message: string, details: ErrorDetails & { cause?: unknown; retry?: boolean } = {}) {
    const { cause, retry = ERROR_CODES[code].retry, ...rest } = details
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.retry = retry
    this.details = { hint: ERROR_CODES[code].remedy, ...definedOnly(rest) }
  }

  static is(error: unknown): error is CarillonError {
    try {
      return typeof error === 'object' && error !== null && BRAND in error
    } catch {
      // Anything can be thrown: a proxy may throw when it is read.
      return false
    }
  }

  /** Any thrown value as a `CarillonError`; what is not one becomes `INTERNAL` with the original as its cause. */
  static from(error: unknown): CarillonError {
    if (CarillonError.is(error)) return error
    return new CarillonError('INTERNAL', messageOf(error), { cause: error })
  }

  /** A code that a later version has added becomes `INTERNAL`; its `retry` is kept. */
  static fromBody({
    code,
    message,
    field,
    value,
    hint,
    problems,
    retry,
  }: Omit<ErrorBody, 'retry'> & { readonly retry?: boolean }): CarillonError {
    const known = Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'INTERNAL'
    return new CarillonError(known, message, { field, value, hint, problems, ...(retry === undefined ? {} : { retry }) })
  }

  /** What `JSON.stringify` writes: as it travels. */
  toJSON(): ErrorBody {
    return this.toBody()
  }

  toBody(): ErrorBody {
    return { code: this.code, message: this.message, retry: this.retry, ...this.details }
  }
}

/** A value as short printable text for an error. Never throws, whatever the value does when it is read. */
export function printable(value: unknown, maxLength = 120): string {
  const text =
    attempt(() => (typeof value === 'string' || typeof value === 'object' ? JSON.stringify(value) : undefined) ?? String(value)) ??
    attempt(() => Object.prototype.toString.call(value)) ??
    'something unreadable'
  const short = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text
  return short.replace(UNSEEN, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** What JSON leaves as it is, and a terminal, a line reader or a page does not show as it is: control signs, ends of lines, changes of direction. */
const UNSEEN = /[\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** The message of whatever was thrown. Never throws. */
export function messageOf(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown
  return (
    attempt(() => (typeof thrown === 'object' && thrown !== null && 'message' in thrown ? String(thrown.message) : undefined)) ??
    printable(thrown)
  )
}

function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function definedOnly(details: ErrorDetails): ErrorDetails {
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined))
}
