import {
  CALLS,
  type Call,
  type CallName,
  CarillonError,
  ERROR_CODES,
  type ErrorCode,
  HTTP_ROUTES,
  isRepeatable,
  LIMITS,
  parseInput,
  VERSION,
  writeJson,
} from '@carillon/contracts'
import { now, pause } from '../clock.ts'
import type { HttpTarget } from './http-options.ts'

const REQUEST = {
  field: '',
  maxBytes: LIMITS.messageBytes,
  tooLarge: 'INVALID_REQUEST',
  notJson: 'INVALID_JSON',
  maxDepth: LIMITS.jsonDepth + 4,
} as const

/** The gateway waits for its service as long as a call takes: its answer is worth more than our impatience. */
const BESIDE_DEADLINE_MS = 2_000
const PAUSE_MS = 200
/** As over NATS: a service that is not there does not come at once. */
const NO_SERVICE_RETRY_MS = 1_000
const RETRY_AFTER_MAX_MS = 5_000

/** What became of one request. */
type Outcome =
  | { readonly type: 'answer'; readonly body: unknown }
  | { readonly type: 'refused'; readonly error: CarillonError; readonly retryAfterMs: number | undefined }
  /** It may have been executed. */
  | { readonly type: 'unknown'; readonly error: CarillonError }
  /** There was no connection: it was not. */
  | { readonly type: 'not-sent'; readonly error: CarillonError }

interface Problem {
  readonly code?: unknown
  readonly detail?: unknown
  readonly retry?: unknown
  readonly field?: string
  readonly value?: string
  readonly hint?: string
  readonly errors?: readonly { readonly field: string; readonly detail: string; readonly hint: string; readonly value?: string }[]
}

/** Sends calls to a gateway, by the table of routes. */
export class HttpCalls {
  readonly #target: HttpTarget
  readonly #namespace: string
  #hasAnswered = false

  constructor(target: HttpTarget, namespace: string) {
    this.#target = target
    this.#namespace = namespace
  }

  /** @throws CarillonError with the code that the service, or the gateway, answered; GATEWAY_UNAVAILABLE, CALL_TIMEOUT of its own */
  async call(call: Call, input: unknown): Promise<unknown> {
    const request = requestOf(call, parseInput(call.input, input))
    const began = now()
    for (;;) {
      const outcome = await this.#send(call, request)
      if (outcome.type === 'answer') return outcome.body
      const waitMs = this.#waitBeforeRetry(call, { outcome, input, spentMs: now() - began })
      if (waitMs === undefined) throw outcome.error
      await pause(waitMs)
    }
  }

  /** Headers of every request. */
  headers(): Record<string, string> {
    const { token } = this.#target
    return { 'user-agent': `carillon-cli/${VERSION}`, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
  }

  /** @param path below the address of the gateway */
  address(path: string): string {
    return `${this.#target.url}${path}`
  }

  /** Undefined: the error is final. A request that may have been executed is sent again only where that makes no difference. */
  #waitBeforeRetry(
    call: Call,
    { outcome, input, spentMs }: { outcome: Exclude<Outcome, { type: 'answer' }>; input: unknown; spentMs: number },
  ): number | undefined {
    if (outcome.type === 'not-sent') return this.#hasAnswered && spentMs < NO_SERVICE_RETRY_MS ? PAUSE_MS : undefined
    if (outcome.type === 'unknown') return isRepeatable(call, input) && spentMs < call.deadlineMs ? PAUSE_MS : undefined
    const { code } = outcome.error
    if (code === 'NO_SERVICE') return spentMs < NO_SERVICE_RETRY_MS ? PAUSE_MS : undefined
    if (code !== 'OVERLOADED' && code !== 'RATE_LIMITED') return undefined
    const waitMs = outcome.retryAfterMs ?? PAUSE_MS
    return waitMs <= RETRY_AFTER_MAX_MS && spentMs + waitMs < call.deadlineMs + RETRY_AFTER_MAX_MS ? waitMs : undefined
  }

  async #send(call: Call, { method, path, body }: HttpRequest): Promise<Outcome> {
    const url = this.address(`/api/v1/namespaces/${encodeURIComponent(this.#namespace)}${path}`)
    const headers = { ...this.headers(), accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
    const signal = AbortSignal.timeout(call.deadlineMs + BESIDE_DEADLINE_MS)
    try {
      const response = await fetch(url, { method, headers, signal, redirect: 'manual', ...(body === undefined ? {} : { body }) })
      const outcome = await outcomeOf(response, this.#target.url)
      this.#hasAnswered = true
      return outcome
    } catch (error) {
      return lost(error, { call, url: this.#target.url })
    }
  }
}

interface HttpRequest {
  readonly method: string
  readonly path: string
  readonly body: string | undefined
}

/** Fields of the path are there; the others are in the query of GET and DELETE, else in the body. */
function requestOf(call: Call, input: unknown): HttpRequest {
  const { method, path } = HTTP_ROUTES[nameOf(call)]
  const rest: Record<string, unknown> = { ...(input as object) }
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, field: string) => {
    const value = String(rest[field])
    delete rest[field]
    return encodeURIComponent(value)
  })
  if (method !== 'GET' && method !== 'DELETE') return { method, path: filled, body: writeJson(rest, REQUEST) }
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(rest)) {
    if (value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one))
  }
  return { method, path: query.size === 0 ? filled : `${filled}?${query}`, body: undefined }
}

function nameOf({ noun, verb }: Call): CallName {
  const name = `${noun}${verb.charAt(0).toUpperCase()}${verb.slice(1)}`
  if (Object.hasOwn(CALLS, name)) return name as CallName
  throw new CarillonError('INTERNAL', `there is no call ${noun}.${verb}`)
}

async function outcomeOf(response: Response, url: string): Promise<Outcome> {
  const text = await response.text()
  const body = parsed(text)
  // A token is shown to the address that was given, and to no other.
  const isProblem = response.status >= 400 && response.headers.get('content-type')?.startsWith('application/problem+json') === true
  if (response.ok && body !== undefined) return { type: 'answer', body: body.value }
  if (isProblem && body !== undefined) return refusalOf(response, body.value as Problem)
  const why = response.ok ? 'something that is not JSON' : `status ${response.status} without a reason`
  const error = new CarillonError('GATEWAY_UNAVAILABLE', `What answers at ${url} is no gateway of Carillon: ${why}`, {
    field: '--url',
    value: url,
  })
  // A proxy before the gateway: whether the request reached it is not known.
  return response.status >= 500 ? { type: 'unknown', error } : { type: 'refused', error, retryAfterMs: undefined }
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    // The caller reports it.
    return undefined
  }
}

function refusalOf(response: Response, problem: Problem): Outcome {
  const { code, detail, retry, field, value, hint, errors } = problem
  const known = typeof code === 'string' && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : undefined
  const error = CarillonError.fromBody({
    code: known ?? (response.status === 401 ? 'AUTH_FAILED' : 'INTERNAL'),
    message: String(detail ?? `status ${response.status}`),
    retry: retry === true,
    ...(field === undefined ? {} : { field }),
    ...(value === undefined ? {} : { value }),
    ...(hint === undefined ? {} : { hint }),
    ...(errors === undefined
      ? {}
      : { problems: errors.map((one) => ({ field: one.field, value: one.value ?? '', problem: one.detail, hint: one.hint })) }),
  })
  if (error.code === 'CALL_TIMEOUT') return { type: 'unknown', error }
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return { type: 'refused', error, retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined }
}

const NOT_SENT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']

/** What answers a greeting of TLS with something else, as a gateway behind no proxy does. */
const NOT_TLS = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG']

function lost(error: unknown, { call, url }: { call: Call; url: string }): Outcome {
  const name = `${call.noun}.${call.verb}`
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    const timeout = new CarillonError('CALL_TIMEOUT', `${name} had no answer within ${call.deadlineMs + BESIDE_DEADLINE_MS} ms`, {
      value: name,
    })
    return { type: 'unknown', error: timeout }
  }
  const { cause } = error as { cause?: unknown }
  const { code = '', message = String(error) } = (cause ?? error) as { code?: string; message?: string }
  const unavailable = new CarillonError('GATEWAY_UNAVAILABLE', `No gateway answers at ${url}: ${code || message}`, {
    field: '--url',
    value: url,
    cause: error,
    ...(NOT_TLS.includes(code) ? { hint: 'What listens there does not speak https: try http://.' } : {}),
  })
  const isNotSent = NOT_SENT.includes(code) || NOT_TLS.includes(code) || /^(CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code)
  return { type: isNotSent ? 'not-sent' : 'unknown', error: unavailable }
}
