import {
  CarillonError,
  type JobInput,
  LIMITS,
  type NamedMode,
  type Priority,
  parseStartRun,
  type Route,
  type Tolerance,
  writeJson,
} from '@carillon/contracts'
import { freshRunId } from '@carillon/wire/internal'
import { checkObject } from '../check-object.ts'
import { markOf, type RetryScope } from '../retry/retry-scope.ts'

/** How one run is to be run. */
export interface RunOptions {
  /** Idempotency key: one run per namespace and key; a second start answers the first run, `created: false`. */
  readonly key?: string | undefined
  /** The try of a retryable function that it is part of, where that was lost on the way: `retryScope()`, read before. Default: that of the calling code. */
  readonly retryScope?: RetryScope | undefined
  /** Start that much later, whole ms. */
  readonly delayMs?: number | undefined
  /** Start at that time; text is RFC 3339 with a zone. */
  readonly at?: Date | string | undefined
  /** Total tries. Default: the job's, else 1. */
  readonly attempts?: number | undefined
  /** When a further try begins. Default: the job's, else exponential from 1 s, factor 2, at most 5 min. */
  readonly backoff?: BackoffInput | undefined
  /** Errors after which there is no further try: names such as `TypeError`, or codes of errors or of their causes such as `ENOTFOUND`. Default: the job's, else none. */
  readonly nonRetryable?: readonly string[] | undefined
  /** Time limit of each attempt in ms. Default: the job's, else none. */
  readonly timeoutMs?: number | undefined
  /** Time limit of the whole run in ms, with all attempts and the pauses between them, from its first start on. Default: the job's, else none. */
  readonly runTimeoutMs?: number | undefined
  /** The run must start within so many ms after it is due, else it expires. Default: the job's, else none. */
  readonly deadlineMs?: number | undefined
  /** Of tasks that wait for the same handler, `high`, `normal` and `low` are begun 6 : 3 : 1. Default: the job's, else normal. */
  readonly priority?: Priority | undefined
  /** `single` (default): any instance with room. `broadcast`: every live instance that offers the handler. */
  readonly mode?: NamedMode | undefined
  /** So many tasks, 1 to 10,000, for any instance with room; a handler finds its part in `ctx.shard`. */
  readonly shards?: number | undefined
  /** One task for each of these, at most 10,000: `ctx.shard.item`. */
  readonly items?: readonly unknown[] | undefined
  /** Of a fan-out run: those that may be under way at once. Default: all. */
  readonly maxParallel?: number | undefined
  /** Of a fan-out run: how many may fail without failing the run, a number or a share such as `5%`. Default: none. */
  readonly tolerate?: Tolerance | undefined
  /** Labels that an instance must have, all of them. Default: the job's, else any instance. */
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** CEL over `labels` and `load` that must be true of an instance: `load.cpu < 0.8`. */
  readonly where?: string | undefined
  /** How the instance is chosen among those that match. Default: the job's, else `any`. */
  readonly route?: Route | undefined
  /** Of `specific` the instance, of `failover` the instances in the order in which they are preferred. */
  readonly instances?: readonly string[] | undefined
  /** Of `consistent-hash`: CEL over `payload`; runs with the same key go to the same instance. Default: the job. */
  readonly hashKey?: string | undefined
  /**
   * Of a run of a handler, and so are the following: what becomes of it while an earlier run is open. The rules hold among the runs of the handler that were
   * requested with the same ones. A job has rules of its own: a run of it is refused with them.
   */
  readonly overlap?: JobInput['overlap']
  /** Runs that may be open at once; others wait. */
  readonly maxConcurrent?: number | undefined
  /** CEL over `payload`: runs with the same value share `maxPerKey` places. */
  readonly concurrencyKey?: string | undefined
  /** Runs of one key that may be open at once. Default: 1. */
  readonly maxPerKey?: number | undefined
  /** How many may start within a period. */
  readonly rate?: JobInput['rate']
  /** Calls that follow one another within a period are one run. */
  readonly debounce?: JobInput['debounce']
  /** The first call starts a run, further ones within the period do not. */
  readonly throttle?: JobInput['throttle']
  /** Several calls are one run, whose payload is the list of theirs. */
  readonly batch?: JobInput['batch']
}

/** One that follows from the number of failures. */
export type DelayBackoffInput =
  | { readonly type: 'fixed'; readonly delayMs: number; readonly jitter?: number }
  | { readonly type: 'exponential'; readonly delayMs: number; readonly factor?: number; readonly maxMs?: number; readonly jitter?: number }
  | { readonly type: 'list'; readonly delaysMs: readonly number[]; readonly jitter?: number }
  | { readonly type: 'random'; readonly minMs: number; readonly maxMs: number }

/**
 * A backoff as a user writes it: `factor` 2, `maxMs` 300,000 and `timezone` UTC by default. The last delay of a list repeats. With a `jitter` of 0.2 each wait is
 * shorter by up to a fifth.
 */
export type BackoffInput = DelayBackoffInput | { readonly type: 'cron'; readonly cron: string; readonly timezone?: string }

/** One run of a bulk start. */
export type RunRequest = RunOptions & {
  readonly payload?: unknown
} & ({ readonly job: string; readonly handler?: undefined } | { readonly handler: string; readonly job?: undefined })

/** A checked start, ready to be sent. */
export interface StartItem {
  readonly text: string
  readonly bytes: number
  /** The id that the client made; undefined for a run with a key, whose id is derived from that. */
  readonly id: string | undefined
}

const PAYLOAD = { field: 'payload', maxBytes: LIMITS.payloadBytes, tooLarge: 'PAYLOAD_TOO_LARGE', notJson: 'INVALID_JSON' } as const

/** @throws CarillonError for everything that the coordinator would refuse: the same schema, before anything is sent */
export function startItemOf(request: RunRequest, traceparent?: string): StartItem {
  const { payload, items, retryScope, ...rest } = checkObject('run', request)
  const withinRetry = markOf(retryScope)
  const id = rest.key === undefined ? freshRunId() : undefined
  const fields = parseStartRun(withoutUndefined({ ...rest, items, at: dateText(rest.at), id, traceparent, withinRetry }))
  let text = JSON.stringify(items === undefined ? fields : { ...fields, items: undefined })
  if (items !== undefined) text = `${text.slice(0, -1)},"items":[${items.map(itemText).join(',')}]}`
  if (payload !== undefined) text = `${text.slice(0, -1)},"payload":${writeJson(payload, PAYLOAD)}}`
  return { text, bytes: Buffer.byteLength(text), id }
}

const itemText = (item: unknown, i: number) => writeJson(item, { ...PAYLOAD, field: `items.${i}` })

function dateText(at: Date | string | undefined): string | undefined {
  if (!(at instanceof Date)) return at
  if (Number.isNaN(at.getTime())) {
    throw new CarillonError('INVALID_DATE', 'at is wrong: it is an invalid Date', { field: 'at', value: 'Invalid Date' })
  }
  return at.toISOString()
}

/** Removes undefined fields: a strict schema would refuse `undefined` where a key may only be missing. */
export function withoutUndefined(fields: object): Record<string, unknown> {
  const defined: Record<string, unknown> = Object.create(null)
  const given = fields as Record<string, unknown>
  for (const name in given) if (given[name] !== undefined) defined[name] = given[name]
  return defined
}
