import { NonRetryableError } from '@carillon/sdk'
import { checkLiteral, type RangeOf } from '@carillon/wire/internal'
import { type Dispatcher, request } from 'undici'

/** A request, and each of those that its redirects lead to. */
export interface Outgoing {
  readonly url: URL
  readonly method: Dispatcher.HttpMethod
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

export interface SendOptions {
  readonly dispatcher: Dispatcher
  readonly signal: AbortSignal
  readonly rangeOf: RangeOf
  readonly redirects: number
  /** Names of headers that no other origin may get, beside those of a login. */
  readonly secretHeaders: ReadonlySet<string>
  readonly onResponse: (request: Outgoing, status: number) => void
}

const REDIRECTS = [301, 302, 303, 307, 308]
const LOGIN_HEADERS = ['authorization', 'cookie']

/**
 * Sends a request and follows its redirects, each of which is checked as the first one was.
 * @throws TargetRefused, NonRetryableError for a redirect that cannot be followed; what undici throws
 */
export async function send(first: Outgoing, options: SendOptions): Promise<Dispatcher.ResponseData> {
  let outgoing = first
  for (let followed = 0; ; followed++) {
    const { url, method, headers, body } = outgoing
    checkLiteral(url, options.rangeOf)
    const { dispatcher, signal } = options
    const response = await request(url, { dispatcher, signal, method, headers: { ...headers }, body: body ?? null })
    options.onResponse(outgoing, response.statusCode)
    const location = REDIRECTS.includes(response.statusCode) ? response.headers.location : undefined
    if (location === undefined || options.redirects === 0) return response
    response.body.on('error', () => undefined).destroy()
    if (followed === options.redirects) throw new NonRetryableError(`${shown(first)} was redirected more than ${options.redirects} times`)
    outgoing = redirected(outgoing, { status: response.statusCode, location: String(location), secretHeaders: options.secretHeaders })
  }
}

/** A request as it is shown: a query may be long, and may hold what is nobody's business. */
export const shown = ({ method, url }: Pick<Outgoing, 'method' | 'url'>): string => `${method} ${url.origin}${url.pathname}`

interface Redirect {
  readonly status: number
  readonly location: string
  readonly secretHeaders: ReadonlySet<string>
}

function redirected(from: Outgoing, { status, location, secretHeaders }: Redirect): Outgoing {
  // `URL.parse` is not in Node 20.
  const url = URL.canParse(location, from.url) ? new URL(location, from.url) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new NonRetryableError(`${shown(from)} was redirected to what is no http or https URL`)
  url.username = url.password = ''
  const becomesGet = status === 303 ? from.method !== 'HEAD' : status < 303 && from.method === 'POST'
  const isDropped = (name: string) =>
    (becomesGet && name.startsWith('content-')) ||
    (url.origin !== from.url.origin && (LOGIN_HEADERS.includes(name) || secretHeaders.has(name)))
  const headers = Object.fromEntries(Object.entries(from.headers).filter(([name]) => !isDropped(name)))
  return { url, headers, method: becomesGet ? 'GET' : from.method, body: becomesGet ? undefined : from.body }
}
