import type { LookupFunction } from 'node:net'
import { HTTP_TIMEOUT_MS, type HttpRequest, LIMITS, messageOf, parseJson, VERSION, writeJson } from '@carillon/contracts'
import { NonRetryableError, RetryAfterError, type TaskContext } from '@carillon/sdk'
import { type Clock, guardedLookup, type RangeOf, TargetRefused } from '@carillon/wire/internal'
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { refusal } from '../refusal.ts'
import { type Judged, judge } from './judge.ts'
import { ENCODINGS, type ReadBody, readBody } from './read-body.ts'
import type { Secrets } from './secrets.ts'
import { type Outgoing, send, shown } from './send.ts'

/** What an executor of `http` allows. */
export interface HttpSettings {
  /** Says which addresses are refused: as `rangeOf` for all that are not public. */
  readonly rangeOf: RangeOf
  readonly secrets: Secrets
  /** Requests go through these, which look up names themselves: they must refuse what is not public. Undefined: no proxies. */
  readonly proxy: { readonly http: string; readonly https: string; readonly except: string } | undefined
  /** Finds the addresses of a name, as `dns.lookup`. */
  readonly lookup: LookupFunction
  readonly clock: Clock
}

const [MAX_BYTES, REDIRECTS] = [65_536, 5]
const HEADER_BYTES = 16_384
const SHOWN_HEADERS = [
  'content-type',
  'content-encoding',
  'content-length',
  'etag',
  'last-modified',
  'location',
  'retry-after',
  'x-request-id',
]
const SHOWN_HEADER_LETTERS = 1_000
/** As JSON; the rest of the result has room beside it. */
const BODY_JSON_BYTES = LIMITS.resultBytes - 32_768

/** The handler of `httpHandler`. */
export class HttpRequests {
  readonly #settings: HttpSettings
  readonly #dispatcher: Dispatcher

  constructor(settings: HttpSettings) {
    this.#settings = settings
    const { rangeOf, lookup, proxy } = settings
    const options = {
      connect: { lookup: guardedLookup(lookup, rangeOf) },
      maxHeaderSize: HEADER_BYTES,
      // A connection for each request: each is checked, and none is used just when its server closes it.
      pipelining: 0,
      // One limit for everything is kept by the request itself.
      headersTimeout: 0,
      bodyTimeout: 0,
    }
    this.#dispatcher = proxy
      ? new EnvHttpProxyAgent({ ...options, httpProxy: proxy.http, httpsProxy: proxy.https, noProxy: proxy.except })
      : new Agent(options)
  }

  /** Closes the connections. */
  close(): Promise<void> {
    return this.#dispatcher.close()
  }

  readonly run = async (ctx: TaskContext<HttpRequest>) => {
    const { clock } = this.#settings
    const { timeoutMs = HTTP_TIMEOUT_MS } = ctx.payload
    const deadline = new AbortController()
    const timer = clock.after(timeoutMs, () => deadline.abort(new Error(`No whole response within ${timeoutMs} ms`)))
    try {
      return await this.#request(ctx, AbortSignal.any([ctx.signal, deadline.signal]))
    } catch (error) {
      ctx.signal.throwIfAborted()
      throw this.#shownError(ctx.payload, deadline.signal.aborted ? deadline.signal.reason : error)
    } finally {
      timer.cancel()
    }
  }

  async #request(ctx: TaskContext<HttpRequest>, signal: AbortSignal) {
    const { rangeOf, clock, secrets } = this.#settings
    const { redirects = REDIRECTS, maxBytes = MAX_BYTES, expect = {} } = ctx.payload
    const startedAt = clock.monotonic()
    const { outgoing, secretHeaders } = outgoingOf(ctx.payload, secrets)
    const onResponse = (request: Outgoing, status: number) => ctx.log.info(secrets.mask(`${shown(request)} answered ${status}`))
    const response = await send(outgoing, { dispatcher: this.#dispatcher, signal, rangeOf, redirects, secretHeaders, onResponse })
    const header = (name: string) => [response.headers[name] ?? []].flat().join(', ')
    const hasBody = outgoing.method !== 'HEAD' && response.statusCode !== 204 && response.statusCode !== 304
    const encoding = hasBody ? header('content-encoding') : ''
    const read = await readBody(response.body, { encoding, maxBytes })
    const { truncated } = read
    const text = secrets.mask(textOf(read, header('content-type')), truncated)
    const isJson = /[/+]json\b/i.test(header('content-type')) || expect.json !== undefined
    const json = isJson && !truncated ? secrets.maskJson(jsonOf(text)) : undefined
    const { statusCode: status } = response
    const judged: Judged = { what: shown(outgoing), status, retryAfter: header('retry-after'), text, truncated, json }
    judge(judged, expect, clock.now())
    const headers = SHOWN_HEADERS.filter((name) => header(name) !== '').map((name) => [
      name,
      secrets.mask(header(name)).slice(0, SHOWN_HEADER_LETTERS),
    ])
    return {
      status,
      headers: Object.fromEntries(headers) as Record<string, string>,
      ...(json === undefined ? shownText(text, truncated) : { body: json, truncated }),
      durationMs: Math.round(clock.monotonic() - startedAt),
    }
  }

  /** The same error with the request in front, without secrets: the stack of the original may have them. */
  #shownError(payload: HttpRequest, error: unknown): Error {
    const message = this.#settings.secrets.mask(textOfError(error))
    if (RetryAfterError.is(error)) return new RetryAfterError(message, error.retryAfterMs)
    if (error instanceof TargetRefused)
      return new NonRetryableError(`url is wrong: ${message}. Only an executor with --allow-private sends requests there.`)
    if (NonRetryableError.is(error)) return new NonRetryableError(message)
    const what = shown({ method: payload.method ?? 'GET', url: new URL(payload.url) })
    return new Error(message.includes(what) ? message : `${what}: ${message}`)
  }
}

/** Several addresses of a name that all failed are one error without a message. */
function textOfError(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  return messageOf(error)
}

function outgoingOf({ url, method = 'GET', headers = {}, body }: HttpRequest, secrets: Secrets) {
  const named = new Map<string, string>([
    ['user-agent', `carillon/${VERSION}`],
    ['accept', '*/*'],
    ['accept-encoding', ENCODINGS],
  ])
  const secretHeaders = new Set<string>()
  if (body !== undefined && typeof body !== 'string') named.set('content-type', 'application/json')
  const seen = new Set<string>()
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase()
    if (seen.has(name)) throw refusal('headers', given, 'It is given twice, in different letters.')
    seen.add(name)
    if (typeof value === 'string') named.set(name, value)
    else {
      named.set(name, (value.prefix ?? '') + secrets.get(value.secret, `headers.${given}.secret`))
      secretHeaders.add(name)
    }
  }
  const outgoing: Outgoing = {
    url: new URL(url),
    method,
    headers: Object.fromEntries(named),
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
  }
  return { outgoing, secretHeaders }
}

function textOf({ bytes }: ReadBody, contentType: string): string {
  const charset = /;\s*charset="?([\w-]+)/i.exec(contentType)?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    // A charset that is not known here.
    return new TextDecoder().decode(bytes)
  }
}

/** Undefined for what is no JSON, and for JSON that a result cannot carry, such as integers beyond 2^53. */
function jsonOf(text: string): unknown {
  try {
    const json = parseJson(text, 'body')
    writeJson({ body: json }, { field: 'body', maxBytes: BODY_JSON_BYTES, tooLarge: 'RESULT_TOO_LARGE', notJson: 'RESULT_NOT_JSON' })
    return json
  } catch {
    return undefined
  }
}

/** Some letters are six bytes in JSON. */
function shownText(text: string, truncated: boolean): { body: string; truncated: boolean } {
  if (Buffer.byteLength(JSON.stringify(text)) <= BODY_JSON_BYTES) return { body: text, truncated }
  return shownText(text.slice(0, text.length / 2), true)
}
