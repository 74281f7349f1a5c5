import { type CallName, CarillonError, printable } from '@carillon/contracts'

/** What HTTP has headers for, by call. */
interface Semantics {
  /** The answer has a revision: it is the ETag. */
  readonly hasRevision?: true
  /** If-Match and If-None-Match are the call's `ifRevision`. */
  readonly isConditional?: true
  /** Idempotency-Key is the call's `key`. */
  readonly hasKey?: true
}

const SEMANTICS: Readonly<Partial<Record<CallName, Semantics>>> = {
  jobsGet: { hasRevision: true },
  jobsPut: { hasRevision: true, isConditional: true },
  jobsRemove: { isConditional: true },
  calendarsGet: { hasRevision: true },
  calendarsPut: { hasRevision: true, isConditional: true },
  calendarsRemove: { isConditional: true },
  jobsRun: { hasKey: true },
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** The headers of a call's route, for the OpenAPI document. */
export function describedHeaders(name: CallName, method: string): Record<string, string> {
  const { hasRevision, isConditional, hasKey } = SEMANTICS[name] ?? {}
  return {
    ...(hasRevision && method === 'GET' ? { 'If-None-Match': 'An ETag: 304 if the revision is still that one' } : {}),
    ...(isConditional ? { 'If-Match': 'An ETag: 412 if the revision is another one' } : {}),
    ...(isConditional && method === 'PUT' ? { 'If-None-Match': '*: 412 if there is one of that name' } : {}),
    ...(hasKey ? { 'Idempotency-Key': 'The same key starts no second run; with another job or payload it is refused with 422' } : {}),
  }
}

/** The fields of a call's input that are given as headers. @throws CarillonError INVALID_REQUEST, PRECONDITION_FAILED */
export function fieldsOfHeaders(name: CallName, headers: Headers): Record<string, unknown> {
  const { isConditional, hasKey } = SEMANTICS[name] ?? {}
  const key = hasKey ? headers['idempotency-key'] : undefined
  const ifRevision = isConditional ? revisionOf(headers) : undefined
  return { ...(key === undefined ? {} : { key }), ...(ifRevision === undefined ? {} : { ifRevision }) }
}

const ETAG = /^"v(\d{1,15})"$/

function revisionOf(headers: Headers): number | undefined {
  const match = headers['if-match']
  if (match === undefined) return headers['if-none-match'] === '*' ? 0 : undefined
  const revision = ETAG.exec(String(match).trim())?.[1]
  // A tag of another kind, or a weak one, is of nothing that is stored; the revision 0 neither.
  if (revision !== undefined && Number(revision) > 0) return Number(revision)
  const hint = 'Send the ETag of the last answer, such as "v3".'
  if (String(match).startsWith('W/'))
    throw new CarillonError('PRECONDITION_FAILED', 'A weak ETag matches nothing', { field: 'if-match', hint })
  throw new CarillonError('INVALID_REQUEST', `if-match is no ETag: ${printable(match)}`, {
    field: 'if-match',
    value: printable(match),
    hint,
  })
}

const etagOf = (revision: number): string => `"v${revision}"`

/** What an answer says in headers and status, besides its body. */
export interface Said {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

interface Answered {
  readonly name: CallName
  readonly method: string
  readonly answer: unknown
  readonly namespace: string
  /** Of the request, with its query. */
  readonly url: string
  readonly headers: Headers
}

/** Status and headers of an answer. */
export function saidOf({ name, method, namespace, answer, url, headers }: Answered): Said {
  const { revision, next, items, runId, created } = (answer ?? {}) as Record<string, unknown>
  if (SEMANTICS[name]?.hasRevision && typeof revision === 'number') {
    const etag = etagOf(revision)
    const isKnown = method === 'GET' && tagsOf(headers['if-none-match']).includes(etag)
    return { status: isKnown ? 304 : 200, headers: { etag, 'cache-control': 'private, no-cache', ...PER_READER } }
  }
  if (name === 'jobsRun' && typeof runId === 'string') {
    const location = `/api/v1/namespaces/${namespace}/runs/${runId}`
    return { status: created === true ? 201 : 200, headers: { location, ...PRIVATE } }
  }
  if (method === 'GET' && Array.isArray(items) && typeof next === 'string')
    return { status: 200, headers: { link: `<${withCursor(url, next)}>; rel="next"`, ...PRIVATE } }
  return { status: 200, headers: PRIVATE }
}

/** An answer may hold what only this client may see. */
const PRIVATE = { 'cache-control': 'no-store' }

/**
 * Someone else at the same browser may not see the payload that it keeps, and may see one that it keeps without: the revision, which is the ETag, is the
 * same.
 */
const PER_READER = { vary: 'cookie, authorization' }

const tagsOf = (header: string | string[] | undefined): string[] =>
  String(header ?? '')
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))

function withCursor(url: string, cursor: string): string {
  const [path = '', query = ''] = url.split('?', 2)
  const parameters = new URLSearchParams(query)
  parameters.set('cursor', cursor)
  return `${path}?${parameters}`
}
