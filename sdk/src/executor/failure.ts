import { type Failure, LIMITS, printable } from '@carillon/contracts'
import { messageText } from '../logs/loggable.ts'
import { LONGEST_RETRY_AFTER_MS, NonRetryableError, RetryAfterError } from './handler-errors.ts'

const NAME_LENGTH = 200

/** Any thrown value as data: null, a cyclic object or one whose getters throw included. Text is cut to what is kept with a run. */
export function failureOf(thrown: unknown): Failure {
  if (!isError(thrown)) return { name: 'Error', message: cut(`A handler threw ${describe(thrown)}`) }
  const stack = read(thrown, 'stack')
  const code = codeOf(thrown) ?? attempt(() => codeOf((thrown as { cause?: unknown }).cause))
  const retryAfterMs = attempt(() => (RetryAfterError.is(thrown) ? Number(thrown.retryAfterMs) : Number.NaN))
  return {
    name: (nameOf(thrown) || 'Error').slice(0, NAME_LENGTH),
    message: cut(read(thrown, 'message') ?? ''),
    ...(stack !== undefined && { stack: cut(stack) }),
    ...(code !== undefined && { code: code.slice(0, NAME_LENGTH) }),
    ...(isNonRetryable(thrown) && { retryable: false }),
    ...(retryAfterMs !== undefined &&
      Number.isFinite(retryAfterMs) && { retryAfterMs: Math.min(LONGEST_RETRY_AFTER_MS, Math.max(0, Math.round(retryAfterMs))) }),
  }
}

/** Whether a thrown value excludes a retry. */
export const isNonRetryable = (thrown: unknown) => attempt(() => NonRetryableError.is(thrown)) === true

const isError = (thrown: unknown): thrown is object =>
  attempt(() => typeof thrown === 'object' && thrown !== null && 'message' in thrown) === true

const describe = (thrown: unknown) => (typeof thrown === 'string' ? printable(thrown, 1_000) : messageText(thrown))

/** A class that extends Error inherits its name, and is known by its own. */
function nameOf(thrown: object): string | undefined {
  const name = read(thrown, 'name')
  return name === 'Error' && attempt(() => thrown instanceof Error) ? attempt(() => String(thrown.constructor.name)) : name
}

/** Of system errors, and of those of libraries such as fetch, whose cause has it. */
const codeOf = (thrown: unknown): string | undefined =>
  attempt(() => {
    const { code } = thrown as { code?: unknown }
    return typeof code === 'string' && code !== '' ? code : undefined
  })

function read(thrown: object, key: 'name' | 'message' | 'stack'): string | undefined {
  return attempt(() => {
    const value = (thrown as Record<string, unknown>)[key]
    if (value === undefined) return undefined
    return key === 'message' ? messageText(value) : String(value)
  })
}

/** Reading a thrown value may throw: such errors are ignored. */
function attempt<Value>(reading: () => Value): Value | undefined {
  try {
    return reading()
  } catch {
    return undefined
  }
}

/** Cut to the bytes that are kept, not within a letter. */
function cut(text: string): string {
  const short = text.slice(0, LIMITS.errorTextBytes)
  const bytes = Buffer.from(short)
  if (bytes.byteLength <= LIMITS.errorTextBytes) return short
  return bytes.subarray(0, LIMITS.errorTextBytes).toString().replace(/�+$/, '')
}
