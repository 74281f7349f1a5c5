import { CarillonError, LIMITS, printable } from '@carillon/contracts'
import { fromFile } from '@carillon/wire/internal'
import { z } from 'zod'
import { OIDC_SETTINGS } from './oidc-settings.ts'

/** Settings of every service process; docs/CONFIG.md is generated from this table. */
export const SETTINGS = {
  CARILLON_STORE_URL: z
    .string()
    .min(1)
    .default('sqlite:.carillon/carillon.db')
    .describe('Store of coordinators and loggers: sqlite:<file> or mongodb://…; CARILLON_STORE_URL_FILE names a file that holds it'),
  CARILLON_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info').describe('Least level of log lines'),
  CARILLON_HEALTH_SOCKET: z
    .string()
    .default('')
    .describe('Unix socket on which this process answers its health, for `carillon health <service> --socket`; empty: none'),
  CARILLON_STREAM_REPLICAS: z.coerce.number().int().min(1).max(5).default(1).describe('Copies of each stream in a NATS cluster'),
  CARILLON_LOG_RETENTION_DAYS: z.coerce.number().min(0.01).max(3650).default(7).describe('Days that log lines are kept'),
  CARILLON_LOG_LINES_PER_RUN: z.coerce
    .number()
    .int()
    .min(100)
    .max(10_000_000)
    .default(100_000)
    .describe('Lines kept of one run; the oldest go first'),
  CARILLON_RUN_RETENTION_DAYS: days(0.001, 1).describe('Days that an ended run is kept, with its tasks and steps'),
  CARILLON_RUNS_KEPT_PER_JOB: z.coerce
    .number()
    .int()
    .min(1)
    .max(LIMITS.keepPerJob)
    .default(20)
    .describe('Newest runs of each job that are kept whatever their age'),
  CARILLON_KEY_RETENTION_DAYS: days(0.001, 30).describe('Days that an idempotency key starts no second run after its run was removed'),
  CARILLON_ID_RETENTION_DAYS: days(0.001, 1).describe('Days after its end that the id of a run, given by its caller, starts no second run'),
  CARILLON_AUDIT_RETENTION_DAYS: z.coerce.number().min(1).max(3650).default(400).describe('Days that entries of the audit log are kept'),
  CARILLON_HTTP_HOST: z.string().min(1).default('127.0.0.1').describe('Address that a gateway listens on'),
  CARILLON_HTTP_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(8420)
    .describe('Port that a gateway listens on; 0 picks a free one'),
  CARILLON_HTTP_ORIGIN: z
    .union([z.literal(''), z.url({ protocol: /^https?$/ })])
    .default('')
    .describe('Where people reach the gateway, such as https://carillon.example.com; empty: under the address that it listens on'),
  CARILLON_HTTP_CORS: origins().describe('Origins, with commas between them, whose pages may call the gateway; empty: none'),
  CARILLON_HTTP_PROXIES: z
    .string()
    .default('')
    .transform(listOf)
    .describe('Addresses or networks, with commas between them, of the proxies in front of the gateway: their X-Forwarded-For is believed'),
  CARILLON_HTTP_CONNECTIONS: z.coerce
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(2_000)
    .describe('Open connections of a gateway at a time; more are closed at once'),
  CARILLON_HTTP_RATE: rate(1_000).describe(
    'Requests a second of one token or user, averaged over 10 s; more are refused with RATE_LIMITED',
  ),
  CARILLON_HTTP_ANONYMOUS_RATE: rate(50).describe('Requests a second of one address without signing in, averaged over 10 s'),
  CARILLON_CONSOLE_FOLDER: z.string().default('').describe('Folder of the built console; empty: the one that came with Carillon'),
  CARILLON_TRACE_URL: traceUrl().describe(
    'Where traces are shown, with {traceId} in it, such as https://traces.example.com/trace/{traceId}: the console links runs to it; empty: no link',
  ),
  ...OIDC_SETTINGS,
  CARILLON_METRICS_HOST: z.string().min(1).default('127.0.0.1').describe('Address on which this process serves metrics for Prometheus'),
  CARILLON_METRICS_PORT: z
    .union(
      [z.literal(''), z.coerce.number().int().min(0).max(65_535)],
      'Use a port from 0 to 65535; 0 picks a free one, and empty serves none.',
    )
    .default('')
    .describe('Port on which this process serves metrics for Prometheus under /metrics; 0 picks a free one; empty: none'),
  CARILLON_ALERT_PRIVATE_TARGETS: z
    .string()
    .default('')
    .describe(
      'Networks that are not public, and to which gateways may send alerts: such as 10.0.0.0/8,127.0.0.1, or * for all; empty: none',
    ),
  CARILLON_HUNG_AFTER_SECONDS: z.coerce
    .number()
    .min(1)
    .max(31 * 86_400)
    .default(300)
    .describe(
      'Seconds after which an instance is hung when nothing comes of the tasks that it holds; longer where 2.5 times the average of their jobs is. A job without a success is not judged so, unless it has a time limit',
    ),
  CARILLON_HANDLER_RETENTION_HOURS: z.coerce
    .number()
    .min(0.01)
    .max(87_600)
    .default(24)
    .describe('Hours that the empty queue of a handler is kept which no instance offers'),
} as const

function days(least: number, byDefault: number) {
  return z.coerce.number().min(least).max(3650).default(byDefault)
}

function rate(byDefault: number) {
  return z.coerce.number().int().min(1).max(1_000_000).default(byDefault)
}

function traceUrl() {
  const isTemplate = (text: string) =>
    /^https?:\/\//.test(text) && text.includes('{traceId}') && URL.canParse(text.replaceAll('{traceId}', '0'))
  return z
    .string()
    .default('')
    .refine((text) => text === '' || isTemplate(text), 'Use a URL such as https://traces.example.com/trace/{traceId}.')
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}

function origins() {
  const isOrigin = (text: string) => URL.canParse(text) && new URL(text).origin === text
  return z
    .string()
    .default('')
    .transform(listOf)
    .refine((list) => list.every(isOrigin), 'Use origins such as https://console.example.com, with commas between them.')
}

/** Those that a file may hold. */
const SECRETS = ['CARILLON_STORE_URL', 'CARILLON_OIDC_CLIENT_SECRET'] as const

export type Config = { readonly [Name in keyof typeof SETTINGS]: z.output<(typeof SETTINGS)[Name]> }

/**
 * Reads the settings once, those of the broker apart: `natsSettingsFrom`.
 * @throws CarillonError INVALID_CONFIG that names the variable; an unknown CARILLON_ variable is not ours to judge
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const secrets = SECRETS.map((name) => [name, fromFile(environment, name) ?? environment[name]])
  const given: typeof environment = { ...environment, ...Object.fromEntries(secrets) }
  const entries = Object.entries(SETTINGS).map(([name, schema]) => {
    const value = given[name]
    const outcome = schema.safeParse(value)
    if (outcome.success) return [name, outcome.data]
    throw new CarillonError('INVALID_CONFIG', `${name} is wrong: ${printable(value)}`, {
      field: name,
      value: printable(value),
      hint: outcome.error.issues[0]?.message,
    })
  })
  return Object.freeze(Object.fromEntries(entries)) as Config
}
