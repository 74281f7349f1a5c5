import type { ErrorCode } from '@carillon/contracts'
import { type BadInput, json } from './bad-input.ts'

interface WrongJob {
  readonly what: string
  readonly code: ErrorCode
  readonly field: string
  /** The word of the command line, where that is another one. */
  readonly option?: string
  readonly job: object
  readonly options?: readonly string[]
}

const LONG_EXPRESSION = `payload.a == "${'x'.repeat(500_000)}"`

const wrongJobs: WrongJob[] = [
  {
    what: 'no label where labels are demanded',
    code: 'INVALID_REQUEST',
    field: 'labels',
    option: '--labels',
    job: { labels: {} },
    options: ['--labels', ''],
  },
  { what: 'a label without a value', code: 'INVALID_REQUEST', field: 'labels.gpu', job: { labels: { gpu: 1 } } },
  {
    what: 'a slot that is missed before it is due',
    code: 'INVALID_DELAY',
    field: 'misfireAfterMs',
    option: '--misfire-after',
    job: { misfireAfterMs: -1 },
    options: ['--misfire-after', '-1s'],
  },
  {
    what: 'a jitter longer than the period',
    code: 'INVALID_REQUEST',
    field: 'schedule.jitterMs',
    job: { schedule: { everyMs: 60_000, jitterMs: 120_000 } },
    options: ['--every', '1m', '--jitter', '2m'],
  },
  {
    what: 'instants of which all have passed',
    code: 'INVALID_DATE',
    field: 'schedule.at',
    job: { schedule: { at: ['2020-01-31T09:00:00Z', '2020-02-28T09:00:00Z'] } },
    options: ['--at', '2020-01-31T09:00Z', '--at', '2020-02-28T09:00Z'],
  },
  { what: 'no instants', code: 'INVALID_DATE', field: 'schedule.at', job: { schedule: { at: [] } } },
  {
    what: 'a job that fires itself',
    code: 'INVALID_REQUEST',
    field: 'afterJobs',
    job: { afterJobs: [{ job: 'job' }] },
    options: ['--after-job', 'job'],
  },
  {
    what: 'a filter of half a megabyte',
    code: 'INVALID_EXPRESSION',
    field: 'on.filter',
    job: { on: { subject: 'orders.created', filter: LONG_EXPRESSION } },
  },
  {
    what: 'a filter that cannot be true or false',
    code: 'INVALID_EXPRESSION',
    field: 'on.filter',
    job: { on: { subject: 'orders.created', filter: '"always"' } },
    options: ['--on', 'orders.created', '--filter', '"always"'],
  },
  {
    what: 'a filter over instances that cannot be true or false',
    code: 'INVALID_EXPRESSION',
    field: 'where',
    job: { where: '1 + 2' },
    options: ['--where', '1 + 2'],
  },
  {
    what: 'an expression of a key that is cut off',
    code: 'INVALID_EXPRESSION',
    field: 'concurrencyKey',
    job: { concurrencyKey: 'payload.', maxPerKey: 1 },
    options: ['--concurrency-key', 'payload.', '--max-per-key', '1'],
  },
  {
    what: 'a key of a route that is an object',
    code: 'INVALID_EXPRESSION',
    field: 'hashKey',
    job: { route: 'consistent-hash', hashKey: '{"a": 1}' },
  },
  {
    what: 'a rate of nothing',
    code: 'INVALID_REQUEST',
    field: 'rate.count',
    option: '--rate',
    job: { rate: { count: 0, periodMs: 0 } },
    options: ['--rate', '0/0'],
  },
  {
    what: 'room for no run',
    code: 'INVALID_REQUEST',
    field: 'maxConcurrent',
    option: '--max-concurrent',
    job: { maxConcurrent: 0 },
    options: ['--max-concurrent', '0'],
  },
  {
    what: 'a priority that is none',
    code: 'INVALID_REQUEST',
    field: 'priority',
    option: '--priority',
    job: { priority: 'urgent' },
    options: ['--priority', 'urgent'],
  },
  {
    what: 'a route that is none',
    code: 'INVALID_REQUEST',
    field: 'route',
    option: '--route',
    job: { route: 'nearest' },
    options: ['--route', 'nearest'],
  },
  {
    what: 'a route to instances without any',
    code: 'INVALID_REQUEST',
    field: 'instances',
    job: { route: 'specific' },
    options: ['--route', 'specific'],
  },
  {
    what: 'a subject with a space',
    code: 'INVALID_REQUEST',
    field: 'on.subject',
    job: { on: { subject: 'orders created' } },
    options: ['--on', 'orders created'],
  },
  { what: 'all subjects', code: 'INVALID_REQUEST', field: 'on.subject', job: { on: { subject: '>' } }, options: ['--on', '>'] },
  { what: 'a deadline of zero', code: 'INVALID_DELAY', field: 'deadlineMs', job: { deadlineMs: 0 } },
  {
    what: 'an end before the start',
    code: 'INVALID_DATE',
    field: 'schedule.endAt',
    job: { schedule: { cron: '@daily', startAt: '2030-02-01', endAt: '2030-01-01' } },
    options: ['--cron', '@daily', '--start', '2030-02-01', '--end', '2030-01-01'],
  },
]

/** What rules of jobs cannot be: of when a run may start, where, and what fires it. */
export const rules: BadInput[] = wrongJobs.map(({ what, code, field, option, job, options }) => ({
  what,
  code,
  field,
  ...(option && { cliField: option }),
  api: ['jobs.put', json({ name: 'job', ...job })],
  sdk: (client) => client.jobs.put({ name: 'job', ...job } as never),
  ...(options && { cli: ['jobs', 'put', 'job', ...options] }),
}))

export const histories: BadInput[] = [
  {
    what: 'the history of a job that has never been there',
    code: 'JOB_NOT_FOUND',
    field: 'name',
    api: ['jobs.history', '{"name":"nobody"}'],
    sdk: async (client) => void (await client.jobs.history('nobody')),
    cli: ['jobs', 'history', 'nobody'],
  },
  {
    what: 'a page of a history that nobody gave out',
    code: 'INVALID_REQUEST',
    field: 'cursor',
    api: ['jobs.history', '{"name":"nobody","cursor":"x"}'],
    sdk: async (client) => void (await client.jobs.history('nobody', { cursor: 'x' })),
  },
  {
    what: 'a job to release that is not there',
    code: 'JOB_NOT_FOUND',
    field: 'name',
    api: ['jobs.release', '{"name":"nobody"}'],
    sdk: (client) => client.jobs.release('nobody'),
    cli: ['jobs', 'release', 'nobody'],
  },
  {
    what: 'a declaration without a version',
    code: 'INVALID_REQUEST',
    field: 'version',
    api: ['jobs.declare', '{"name":"report"}'],
  },
  {
    what: 'a declaration of version 0',
    code: 'INVALID_REQUEST',
    field: 'version',
    api: ['jobs.declare', '{"name":"report","version":0}'],
  },
]
