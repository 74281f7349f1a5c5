import { CarillonError, type ErrorCode } from '@carillon/contracts'

/** The HTTP status of the codes that are neither 400 (a wrong request) nor 500 (INTERNAL). */
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  JOB_NOT_FOUND: 404,
  RUN_NOT_FOUND: 404,
  CALENDAR_NOT_FOUND: 404,
  DEAD_LETTER_NOT_FOUND: 404,
  INSTANCE_UNKNOWN: 404,
  NOT_SIGNED_IN: 401,
  SIGN_IN_REFUSED: 401,
  SIGN_IN_EXPIRED: 410,
  PROVIDER_ANSWER_INVALID: 502,
  PROVIDER_UNAVAILABLE: 503,
  FORBIDDEN: 403,
  FOREIGN_REQUEST: 403,
  LINK_INVALID: 410,
  NAME_TAKEN: 409,
  LAST_ADMIN: 409,
  MEMBER_NOT_FOUND: 404,
  TOKEN_NOT_FOUND: 404,
  STREAM_NOT_FOUND: 404,
  TOO_MANY_STREAMS: 429,
  ALERT_RULE_NOT_FOUND: 404,
  ALERT_CHANNEL_NOT_FOUND: 404,
  INCIDENT_NOT_FOUND: 404,
  RUN_REMOVED: 410,
  RUN_ENDED: 409,
  RUN_OPEN: 409,
  NOTHING_FAILED: 409,
  CHILD_RUN: 409,
  RUN_NOT_PAUSABLE: 409,
  NODES_COMPENSATED: 409,
  DECIDED_OTHERWISE: 409,
  CALENDAR_IN_USE: 409,
  ALERT_CHANNEL_IN_USE: 409,
  INCIDENT_OVER: 409,
  TOO_MANY_ALERTS: 409,
  TASK_NOT_RUNNING: 409,
  CONCURRENT_CHANGE: 409,
  JOB_VERSION_OLD: 409,
  JOB_VERSION_CONFLICT: 409,
  KEY_CONFLICT: 422,
  WEBHOOK_REFUSED: 401,
  WEBHOOK_NOT_FOUND: 404,
  HTTP_ROUTE_NOT_FOUND: 404,
  HTTP_METHOD_NOT_ALLOWED: 405,
  REQUEST_TOO_SLOW: 408,
  PRECONDITION_FAILED: 412,
  REQUEST_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  HOST_UNKNOWN: 421,
  RATE_LIMITED: 429,
  QUEUE_FULL: 503,
  OVERLOADED: 503,
  NO_SERVICE: 503,
  STORE_UNAVAILABLE: 503,
  CALL_TIMEOUT: 504,
  INTERNAL: 500,
}

/** An error as problem details (RFC 9457). */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  /** One of the catalogue. */
  readonly code: string
  /** Whether the same request may succeed later without a change. */
  readonly retry: boolean
  readonly field?: string
  readonly value?: string
  readonly hint?: string
  readonly errors?: readonly { readonly field: string; readonly value: string; readonly detail: string; readonly hint: string }[]
}

export const statusOf = (code: string): number => STATUS[code as ErrorCode] ?? 400

export function problemOf(error: unknown): Problem {
  const { code, message, retry, field, value, hint, problems } = CarillonError.from(error).toBody()
  return {
    type: `/api/docs/errors#${code}`,
    title: code,
    status: statusOf(code),
    detail: message,
    code,
    retry,
    ...(field === undefined ? {} : { field }),
    ...(value === undefined ? {} : { value }),
    ...(hint === undefined ? {} : { hint }),
    ...(problems === undefined
      ? {}
      : { errors: problems.map((one) => ({ field: one.field, value: one.value, detail: one.problem, hint: one.hint })) }),
  }
}

/** Headers that go with a problem. */
export function headersOfProblem({ code, value = '' }: Problem): Readonly<Record<string, string>> {
  // No browser asks for a password by this scheme.
  if (code === 'NOT_SIGNED_IN') return { 'www-authenticate': 'Bearer' }
  // Where the seconds are known.
  return code === 'RATE_LIMITED' && /^\d+$/.test(value) ? { 'retry-after': value } : {}
}

const text = { type: 'string' }
/** Of the OpenAPI document. */
export const PROBLEM_SCHEMA = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'retry'],
  properties: {
    type: { ...text, description: 'Where the code is described' },
    title: text,
    status: { type: 'integer' },
    detail: { ...text, description: 'What was wrong this time' },
    code: { ...text, description: 'One of the catalogue' },
    retry: { type: 'boolean', description: 'Whether the same request may succeed later without a change' },
    field: { ...text, description: 'Path of the offending field' },
    value: { ...text, description: 'The offending value, shortened' },
    hint: { ...text, description: 'What would be right' },
    errors: {
      type: 'array',
      description: 'All that is wrong, where that is more than one thing',
      items: {
        type: 'object',
        required: ['field', 'value', 'detail', 'hint'],
        properties: { field: text, value: text, detail: text, hint: text },
      },
    },
  },
} as const
