import { isDeepStrictEqual } from 'node:util'
import { DEFAULT_BACKOFF, type JobInput, type JobView, jobInputSchema } from '@carillon/contracts'

/** A job as a file has it: what a person wrote of it. */
export type WrittenJob = Readonly<JobInput> & { readonly paused?: true }

type Fields = Readonly<Record<string, unknown>>

const BACKOFF_DEFAULTS: Readonly<Record<string, Fields>> = { exponential: { factor: 2, maxMs: 300_000 }, cron: { timezone: 'UTC' } }
/** What a service fills in where nothing is written. */
const DEFAULTS: Fields = {
  payload: null,
  mode: 'single',
  attempts: 1,
  priority: 'normal',
  route: 'any',
  backoff: withoutDefaults({ ...DEFAULT_BACKOFF }, BACKOFF_DEFAULTS['exponential'] ?? {}),
  misfire: 'once',
}

/** The fields of a job that a person writes, in the order in which a file has them. */
const FIELDS = Object.keys(jobInputSchema.shape)

/** What is written of a stored job: without defaults, times and state, but for `paused`. */
export function writtenOf(job: JobView): WrittenJob {
  // Shards are derived from the items, where there are some, and workflows are so by their graph.
  const { shards, ...rest } = job
  const mode = job.mode === 'shards' || job.mode === 'workflow' ? {} : { mode: job.mode }
  return {
    ...normalized({ ...rest, ...(shards === undefined || job.items !== undefined ? {} : { shards }), mode: undefined, ...mode }),
    ...(job.state === 'paused' ? { paused: true } : {}),
  }
}

/** A job of a file without what is a default, so that it can be compared with `writtenOf`. */
export function normalized(job: Fields & { readonly name: string }): WrittenJob {
  const { name, handler, schedule, backoff, afterJobs, rate, debounce, throttle } = job
  const shorter: Fields = {
    ...job,
    afterJobs: Array.isArray(afterJobs) ? afterJobs.map((parent) => withoutDefaults(parent, { when: 'succeeded' })) : afterJobs,
    rate: withoutDefaultsOf(rate, { by: 'job' }),
    debounce: withoutDefaultsOf(debounce, { payload: 'last' }),
    throttle: withoutDefaultsOf(throttle, { payload: 'first' }),
    handler: handler === name ? undefined : handler,
    schedule: isFields(schedule) && 'cron' in schedule ? withoutDefaults(schedule, { timezone: 'UTC' }) : schedule,
    backoff: isFields(backoff) ? withoutDefaults(backoff, BACKOFF_DEFAULTS[String(backoff['type'])] ?? {}) : backoff,
  }
  const written = FIELDS.filter((field) => shorter[field] !== undefined && !isDeepStrictEqual(shorter[field], DEFAULTS[field]))
  return Object.fromEntries(written.map((field) => [field, shorter[field]])) as unknown as WrittenJob
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

const withoutDefaultsOf = (value: unknown, defaults: Fields): unknown => (isFields(value) ? withoutDefaults(value, defaults) : value)

function withoutDefaults(fields: Fields, defaults: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => value !== defaults[name]))
}
