import { createHash } from 'node:crypto'
import { GATING_FIELDS, parseInstant, type StartRun } from '@carillon/contracts'
import type { RunRecord, Tombstone } from '@carillon/store'

const ROUTING = ['labels', 'where', 'route', 'instances', 'hashKey'] as const
/** Fields that identify a request; its trace context is none of them. */
const FIELDS = [
  'job',
  'handler',
  'payload',
  'at',
  'delayMs',
  'attempts',
  'backoff',
  'nonRetryable',
  'timeoutMs',
  'runTimeoutMs',
  'deadlineMs',
  'priority',
  'mode',
  'shards',
  'items',
  'maxParallel',
  'tolerate',
  ...ROUTING,
  ...GATING_FIELDS,
] as const satisfies (keyof StartRun)[]
type Field = (typeof FIELDS)[number]
/** Longer texts are stored as a hash. */
const SHORT = 64

/** A request, field by field, so that a repetition is recognised later, even if the job has changed. */
export function fieldsOfRequest(request: StartRun): Record<string, string> {
  return Object.fromEntries(FIELDS.flatMap((field) => (request[field] === undefined ? [] : [[field, valueText(field, request)]])))
}

/**
 * The first field in which a request differs from the one that made a run; undefined if it is the same. A run without a stored request
 * has an id that its caller made for one request: fields of the request must equal those of the run, others may have come from the job.
 */
export function differingField(there: RunRecord | Tombstone, request: StartRun): Field | undefined {
  if (!isOfSameName(there, request)) return request.handler === undefined ? 'job' : 'handler'
  const { asked } = there
  const requested = fieldsOfRequest(request)
  // The pause before the first try of a retry is random, and its limits are those of the code that is deployed.
  if (asked !== null && request.retry !== undefined) return asked['payload'] === requested['payload'] ? undefined : 'payload'
  if (asked !== null) return FIELDS.find((field) => asked[field] !== requested[field])
  // A tombstone with such an id has no further fields.
  if (!('payload' in there)) return undefined
  const has = fieldsOfRequest({
    payload: JSON.parse(there.payload),
    attempts: there.tries,
    backoff: there.backoff,
    nonRetryable: there.terms?.nonRetryable?.slice(),
    timeoutMs: there.timeoutMs ?? undefined,
    runTimeoutMs: there.terms?.runTimeoutMs,
    priority: there.terms?.priority ?? 'normal',
    shards: there.items === null ? there.plan?.shards : undefined,
    items: there.items === null ? undefined : JSON.parse(there.items),
    maxParallel: there.plan?.maxParallel,
    tolerate: there.plan?.tolerate,
    ...there.routing,
    ...there.terms?.rules,
    instances: there.routing?.instances?.slice(),
  })
  const compared = [
    'payload',
    'attempts',
    'backoff',
    'nonRetryable',
    'timeoutMs',
    'runTimeoutMs',
    'priority',
    'shards',
    'items',
    'maxParallel',
    'tolerate',
    ...ROUTING,
    ...GATING_FIELDS,
  ] as const
  return compared.find((field) => requested[field] !== undefined && requested[field] !== has[field])
}

/** Whether a run is one of the job or the handler that a request names. A job may have been put under the name of a handler since. */
function isOfSameName({ job, handler }: Pick<RunRecord, 'job' | 'handler'>, request: StartRun): boolean {
  if (request.handler !== undefined) return job === null && handler === request.handler
  return job === request.job || (job === null && handler === request.job)
}

function valueText(field: Field, request: StartRun): string {
  const value = field === 'at' ? parseInstant(request.at) : request[field]
  const text = canonical(value)
  return text.length <= SHORT ? text : `#${createHash('sha256').update(text).digest('base64url')}`
}

/** JSON text with the members of objects in one order. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`)
    .join(',')}}`
}
