import { isDeepStrictEqual } from 'node:util'
import { type HttpRequest, printable } from '@carillon/contracts'
import { NonRetryableError, RetryAfterError } from '@carillon/sdk'

type Expectation = NonNullable<HttpRequest['expect']>

/** A response as it is judged. */
export interface Judged {
  /** The request, as it is shown. */
  readonly what: string
  readonly status: number
  /** Empty if there is none. */
  readonly retryAfter: string
  /** Of its body. */
  readonly text: string
  readonly truncated: boolean
  /** Its JSON; undefined if it is none. */
  readonly json: unknown
}

/** Refusals that pass with time. */
const PASSING = [408, 425, 429]
/** A server that says "in a year" must not put a run to sleep for one. */
const LONGEST_PAUSE_MS = 86_400_000
const SHOWN_LETTERS = 300

/**
 * Throws when a response is not as expected: RetryAfterError for 429 and 503 that say when to come again, NonRetryableError for what the request
 * itself is to blame for (4xx), else an error that is retried.
 */
export function judge(response: Judged, expected: Expectation, now: number): void {
  const { what, status, retryAfter, text } = response
  const statuses = [expected.status ?? '2xx'].flat()
  if (statuses.some((one) => one === status || one === `${Math.floor(status / 100)}xx`)) {
    judgeBody(response, expected)
    return
  }
  const beginning = text.slice(0, SHOWN_LETTERS).trim()
  const message = `${what} answered ${status}, not ${statuses.join(' or ')}${beginning === '' ? '' : `: ${beginning}`}`
  const pauseMs = status === 429 || status === 503 ? pauseOf(retryAfter, now) : undefined
  if (pauseMs !== undefined) throw new RetryAfterError(message, pauseMs)
  if (status >= 400 && status < 500 && !PASSING.includes(status)) throw new NonRetryableError(message)
  throw new Error(message)
}

function judgeBody({ what, text, truncated, json }: Judged, { bodyContains, json: members = {} }: Expectation): void {
  const cut = truncated ? ' in the part that maxBytes allows' : ''
  if (bodyContains !== undefined && !text.includes(bodyContains))
    throw new Error(`The body of ${what} does not contain ${printable(bodyContains)}${cut}`)
  for (const [path, value] of Object.entries(members)) {
    const found = memberOf(json, path.split('.'))
    if (!isDeepStrictEqual(found, value))
      throw new Error(`${path} in the body of ${what} is ${printable(found)}, not ${printable(value)}${cut}`)
  }
}

function memberOf(json: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined,
    json,
  )
}

/** Retry-After is a number of seconds or a date. */
function pauseOf(text: string, now: number): number | undefined {
  const pauseMs = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now
  return Number.isNaN(pauseMs) ? undefined : Math.min(Math.max(pauseMs, 0), LONGEST_PAUSE_MS)
}
