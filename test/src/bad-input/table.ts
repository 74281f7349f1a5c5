import type { ErrorCode } from '@carillon/contracts'
import type { Client } from '@carillon/sdk'
import { type BadInput, json } from './bad-input.ts'
import { calendars } from './calendars.ts'
import { histories, rules } from './rules.ts'

const NAMES = ['with.dot', 'any*', 'all>', 'two words', 'line\r\nbreak', 'x'.repeat(65), '__proto__', 'constructor', '', 'ünicode']

const names: BadInput[] = NAMES.flatMap((name): BadInput[] => [
  {
    what: `a job named ${json(name)}`,
    code: 'INVALID_NAME',
    field: 'name',
    cliField: 'job',
    api: ['jobs.put', json({ name })],
    sdk: (client) => client.jobs.put({ name }),
    cli: ['jobs', 'put', name],
  },
  {
    what: `a job whose handler is named ${json(name)}`,
    code: 'INVALID_NAME',
    field: 'handler',
    cliField: '--handler',
    api: ['jobs.put', json({ name: 'job', handler: name })],
    sdk: (client) => client.jobs.put({ name: 'job', handler: name }),
  },
  {
    what: `a run of a job named ${json(name)}`,
    code: 'INVALID_NAME',
    field: 'job',
    api: ['jobs.run', json({ job: name })],
    sdk: (client) => client.run(name),
  },
])

interface Scheduled {
  readonly what: string
  readonly code: ErrorCode
  readonly field: string
  readonly schedule: Record<string, unknown>
  readonly options: readonly string[]
}

const scheduled = ({ what, code, field, schedule, options }: Scheduled): BadInput => ({
  what,
  code,
  field: `schedule.${field}`,
  // The command line checks what it reads; whether a time has passed the coordinator knows.
  ...(code === 'INVALID_DATE' && typeof schedule['at'] === 'string' ? { cliField: options.at(-2) as string } : {}),
  api: ['jobs.put', json({ name: 'job', schedule })],
  sdk: (client) => client.jobs.put({ name: 'job', schedule: schedule as never }),
  cli: ['jobs', 'put', 'job', ...options],
})

const cron = (expression: string, code: ErrorCode) =>
  scheduled({ what: `cron ${json(expression)}`, code, field: 'cron', schedule: { cron: expression }, options: ['--cron', expression] })
const zone = (timezone: string) =>
  scheduled({
    what: `time zone ${json(timezone)}`,
    code: 'INVALID_TIME_ZONE',
    field: 'timezone',
    schedule: { cron: '* * * * *', timezone },
    options: ['--cron', '* * * * *', '--timezone', timezone],
  })

const schedules: BadInput[] = [
  cron('*/61 * * * *', 'INVALID_CRON'),
  cron('* * * * * * *', 'INVALID_CRON'),
  cron('* * *', 'INVALID_CRON'),
  cron('every day', 'INVALID_CRON'),
  cron('61 * * * *', 'INVALID_CRON'),
  cron('', 'INVALID_CRON'),
  cron('0 0 31 4 *', 'CRON_NEVER_FIRES'),
  zone(''),
  zone('Mars/Base'),
  zone('../../etc/passwd'),
  scheduled({
    what: 'a date that does not exist',
    code: 'INVALID_DATE',
    field: 'at',
    schedule: { at: '2030-02-30T00:00:00Z' },
    options: ['--at', '2030-02-30T00:00:00Z'],
  }),
  scheduled({
    what: 'instants that have all passed',
    code: 'INVALID_DATE',
    field: 'at',
    schedule: { at: ['2020-01-31T09:00:00Z', '2021-01-31T09:00:00Z'] },
    options: ['--at', '2020-01-31T09:00:00Z', '--at', '2021-01-31T09:00:00Z'],
  }),
  scheduled({
    what: 'a jitter longer than the period of a cron expression',
    code: 'INVALID_SCHEDULE',
    field: 'jitterMs',
    schedule: { cron: '*/5 * * * * *', jitterMs: 10_000 },
    options: ['--cron', '*/5 * * * * *', '--jitter', '10s'],
  }),
  scheduled({
    what: 'a time of day as anchor of a period of two days',
    code: 'INVALID_SCHEDULE',
    field: 'anchor',
    schedule: { everyMs: 172_800_000, anchor: '09:00' },
    options: ['--every', '2d', '--anchor', '09:00'],
  }),
  scheduled({
    what: 'a calendar that is not there',
    code: 'CALENDAR_NOT_FOUND',
    field: 'calendars.0.calendar',
    schedule: { cron: '@daily', calendars: [{ rule: 'skip', calendar: 'nowhere' }] },
    options: ['--cron', '@daily', '--calendar', 'skip:nowhere'],
  }),
  scheduled({
    what: 'a fixed delay of zero',
    code: 'INVALID_DELAY',
    field: 'afterMs',
    schedule: { afterMs: 0 },
    options: ['--after', '0'],
  }),
  scheduled({ what: 'a fixed rate of zero', code: 'INVALID_DELAY', field: 'everyMs', schedule: { everyMs: 0 }, options: ['--every', '0'] }),
]

const delays: BadInput[] = [
  { value: Number.NaN, text: 'NaN' },
  { value: Number.POSITIVE_INFINITY, text: 'Infinity' },
  { value: -1, text: '-1s' },
  { value: 1.5, text: '1.5' },
  { value: 'soon', text: 'soon' },
  { value: 4e11, text: '4000d' },
].map(({ value, text }) => ({
  what: `a delay of ${text}`,
  code: 'INVALID_DELAY',
  field: 'delayMs',
  cliField: '--delay',
  // JSON has no NaN and no Infinity; a client may write a number that becomes one.
  ...(value === Number.POSITIVE_INFINITY || Number.isNaN(value)
    ? {}
    : { api: ['jobs.run', json({ job: 'echo', delayMs: value })] as const }),
  sdk: (client: Client) => client.run('echo', null, { delayMs: value as number }),
  cli: ['run', 'echo', `--delay=${text}`],
}))

const dates: BadInput[] = [
  '2030-02-30T00:00:00Z',
  '2030-13-01T00:00:00Z',
  '2030-01-31T25:00:00Z',
  '2030-01-31T09:00:00',
  'tomorrow',
  '',
].map((at) => ({
  what: `the date ${json(at)}`,
  code: 'INVALID_DATE',
  field: 'at',
  cliField: '--at',
  api: ['jobs.run', json({ job: 'echo', at })],
  sdk: (client: Client) => client.run('echo', null, { at }),
  cli: ['run', 'echo', '--at', at],
}))

const DEEP = '['.repeat(10_000) + ']'.repeat(10_000)
const LARGE = 'x'.repeat(600 * 1024)
const cyclic: { self?: unknown } = {}
cyclic.self = cyclic

const payloads: BadInput[] = [
  {
    what: 'a payload over the limit',
    code: 'PAYLOAD_TOO_LARGE',
    field: 'payload',
    api: ['jobs.run', json({ job: 'echo', payload: LARGE })],
    sdk: (client) => client.run('echo', LARGE),
  },
  {
    what: 'a payload over the limit of the broker',
    code: 'PAYLOAD_TOO_LARGE',
    field: 'payload',
    sdk: (client) => client.run('echo', 'x'.repeat(3_000_000)),
  },
  {
    what: 'a body that is not JSON',
    code: 'INVALID_JSON',
    field: 'body',
    api: ['jobs.run', '{job:echo}'],
    cli: ['run', 'echo', '{name:Ada}'],
    cliField: 'payload',
  },
  { what: 'half a body', code: 'INVALID_JSON', field: 'body', api: ['jobs.run', '{"job":"echo"'] },
  { what: 'NaN in a body', code: 'INVALID_JSON', field: 'delayMs', api: ['jobs.run', '{"job":"echo","delayMs":NaN}'] },
  { what: 'a payload with a cycle', code: 'INVALID_JSON', field: 'payload', sdk: (client) => client.run('echo', cyclic) },
  { what: 'a payload with a BigInt', code: 'INVALID_JSON', field: 'payload.n', sdk: (client) => client.run('echo', { n: 1n }) },
  {
    what: 'a payload 10,000 deep',
    code: 'JSON_TOO_DEEP',
    field: 'payload',
    api: ['jobs.run', `{"job":"echo","payload":${DEEP}}`],
    cli: ['run', 'echo', DEEP],
  },
  {
    what: 'a deep payload of the SDK',
    code: 'JSON_TOO_DEEP',
    field: 'payload',
    sdk: (client) => client.run('echo', JSON.parse('['.repeat(1_000) + ']'.repeat(1_000))),
  },
  {
    what: 'an integer above 2^53',
    code: 'INTEGER_TOO_LARGE',
    field: 'payload.id',
    cliField: 'payload',
    api: ['jobs.run', '{"job":"echo","payload":{"id":9007199254740993}}'],
    cli: ['run', 'echo', '{"id":9007199254740993}'],
  },
  {
    what: 'an integer above 2^53 of the SDK',
    code: 'INTEGER_TOO_LARGE',
    field: 'payload.id',
    sdk: (client) => client.run('echo', { id: 2 ** 53 }),
  },
]

const requests: BadInput[] = [
  { what: 'a run of nothing', code: 'INVALID_REQUEST', field: 'job', api: ['jobs.run', '{}'] },
  { what: 'a body that is a list', code: 'INVALID_REQUEST', field: 'request', api: ['jobs.run', '[]'] },
  { what: 'a run of a job and a handler', code: 'INVALID_REQUEST', field: 'job', api: ['jobs.run', '{"job":"a","handler":"b"}'] },
  { what: 'an unknown field', code: 'INVALID_REQUEST', field: 'paylaod', api: ['jobs.run', '{"job":"echo","paylaod":1}'] },
  {
    what: 'a delay and a date',
    code: 'INVALID_REQUEST',
    field: 'at',
    api: ['jobs.run', '{"job":"echo","delayMs":1,"at":"2030-01-01T00:00:00Z"}'],
  },
  {
    what: 'no tries',
    code: 'INVALID_REQUEST',
    field: 'attempts',
    api: ['jobs.run', '{"job":"echo","attempts":0}'],
    sdk: (client) => client.run('echo', null, { attempts: 0 }),
    cli: ['run', 'echo', '--attempts', '0'],
    cliField: '--attempts',
  },
  {
    what: 'a key that is too long',
    code: 'INVALID_REQUEST',
    field: 'key',
    api: ['jobs.run', json({ job: 'echo', key: 'k'.repeat(257) })],
    sdk: (client) => client.run('echo', null, { key: 'k'.repeat(257) }),
  },
  {
    what: 'a run id that is none',
    code: 'INVALID_REQUEST',
    field: 'runId',
    api: ['runs.get', '{"runId":"../x"}'],
    cli: ['runs', 'get', '../x'],
  },
  {
    what: 'ids of runs that are no list',
    code: 'INVALID_REQUEST',
    field: 'runIds',
    api: ['runs.ended', '{"runIds":"0000000000000000000000zzzz"}'],
  },
  {
    what: 'ids of too many runs',
    code: 'TOO_MANY_RUNS',
    field: 'runIds',
    api: ['runs.ended', json({ runIds: Array.from({ length: 1_001 }, () => '0000000000000000000000zzzz') })],
  },
  {
    what: 'an unknown run',
    code: 'RUN_NOT_FOUND',
    field: 'runId',
    api: ['runs.get', '{"runId":"0000000000000000000000zzzz"}'],
    sdk: (client) => client.runs.get('0000000000000000000000zzzz'),
    cli: ['runs', 'get', '0000000000000000000000zzzz'],
  },
  {
    what: 'an age of runs that is none',
    code: 'INVALID_DELAY',
    field: 'olderThanMs',
    api: ['runs.prune', '{"olderThanMs":-1}'],
  },
  {
    what: 'a number of runs to keep that is none',
    code: 'INVALID_REQUEST',
    field: 'keep',
    api: ['runs.prune', '{"keep":1.5}'],
  },
  {
    what: 'a cursor that no list gave out',
    code: 'INVALID_REQUEST',
    field: 'cursor',
    api: ['runs.prune', '{"cursor":"nonsense"}'],
  },
  {
    what: 'an unknown job',
    code: 'JOB_NOT_FOUND',
    field: 'name',
    api: ['jobs.get', '{"name":"nobody"}'],
    sdk: (client) => client.jobs.get('nobody'),
    cli: ['jobs', 'get', 'nobody'],
  },
  {
    what: 'a cursor that is none',
    code: 'INVALID_REQUEST',
    field: 'cursor',
    api: ['runs.list', '{"cursor":"%%%"}'],
    sdk: (client) => client.runs.list({ cursor: '%%%' }),
  },
  {
    what: 'a page that is too large',
    code: 'INVALID_REQUEST',
    field: 'limit',
    api: ['runs.list', '{"limit":100000}'],
    cli: ['runs', 'list', '--limit', '100000'],
    cliField: '--limit',
  },
]

/** The list of the issue, and what comes with it. */
export const BAD_INPUT: readonly BadInput[] = [
  ...names,
  ...schedules,
  ...delays,
  ...dates,
  ...payloads,
  ...requests,
  ...calendars,
  ...histories,
  ...rules,
]
