import { globSync, readFileSync } from 'node:fs'
import { table } from './markdown.ts'

/** What the measurements of a metric carry; the code has it where it counts. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  'carillon.attempts': '`outcome` (`succeeded`, `failed`, `timed_out`, `cancelled`, `retried`, `lost`, `slept`, `released`, `returned`)',
  'carillon.call.duration.seconds': '`call`',
  'carillon.calls': '`call`, `code`: `OK` or one of [the catalogue](ERRORS.md)',
  'carillon.event_loop.delay.seconds': '`stat` (`p50`, `p99`, `max`)',
  'carillon.http.duration.seconds': '`route`',
  'carillon.http.requests': '`method`, `route`, `status`',
  'carillon.instances': '`namespace`',
  'carillon.messages.rejected': '`stream`, `code` of [the catalogue](ERRORS.md)',
  'carillon.queue.age.seconds': '`namespace`, `handler`',
  'carillon.reports.refused': '`reason` (`stale-attempt`, `not-owner`, `not-open`, `unknown-run`, `lost-race`), `type` of the report',
  'carillon.retention.removed': '`kind` (`run`, `task`, `step`, `tombstone`)',
  'carillon.run.duration.seconds': '',
  'carillon.run.wait.seconds': '',
  'carillon.runs.assigned': '`outcome` (`taken`, `declined`, `no-responders`, `not-sent`, `unanswered`, `taken-away`)',
  'carillon.runs.ended': '`state`, `namespace`, `job`: of a run without a job its handler',
  'carillon.slots.fired': '',
  'carillon.slots.lateness.seconds': '',
  'carillon.stats.lag.seconds': '',
  'carillon.tasks.open': '`namespace`, `handler`, `state` (`running`, `queued`, `no-instance`, `gate`, `paused`, `delayed`)',
}

const METRIC = /meter\.(counter|seconds|gauge)\(\s*'([^']+)',\s*'([^']*)'/g
const KINDS: Readonly<Record<string, string>> = { counter: 'counter', seconds: 'histogram', gauge: 'gauge' }
const LOG_EVENT = /\.(trace|debug|info|warn|error|fatal)\(\s*\{\s*evt: '([^']+)'[\s\S]{0,200}?\},\s*'([^']+)'/g
const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace']

const sources = globSync('{services/*,runtime,cli,store}/src/**/*.ts')
  .filter((path) => !/\.test\.ts$|\/test(ing)?[-/]/.test(path))
  .sort()
  .map((path) => ({ part: path.startsWith('services/') ? (path.split('/')[1] as string) : 'all', text: readFileSync(path, 'utf8') }))

export function metricTable(): string {
  const rows = new Map<string, string[]>()
  for (const { part, text } of sources)
    for (const [, maker = '', name = '', description = ''] of text.matchAll(METRIC)) {
      const attributes = ATTRIBUTES[name]
      if (attributes === undefined) throw new Error(`say in ATTRIBUTES what metric ${name} carries`)
      rows.set(name, [`\`${name}\``, `\`${prometheusName(name, maker)}\``, KINDS[maker] ?? '', part, description, attributes])
    }
  for (const name of Object.keys(ATTRIBUTES)) if (!rows.has(name)) throw new Error(`nobody makes metric ${name} any more`)
  return table(['Metric', 'In Prometheus', 'Kind', 'Service', 'Counts', 'Attributes'], sorted([...rows.values()]))
}

/** As its exporter names it: letters, digits and underscores. */
const prometheusName = (name: string, maker: string) => `${name.replaceAll('.', '_')}${maker === 'counter' ? '_total' : ''}`

/** Events by severity, then by name; what several services say is one row. */
export function logEventTable(): string {
  const found = new Map<string, { level: string; name: string; parts: Set<string>; message: string }>()
  for (const { part, text } of sources)
    for (const [, level = '', name = '', message = ''] of text.matchAll(LOG_EVENT)) {
      const event = found.get(`${level} ${name}`) ?? { level, name, parts: new Set(), message }
      event.parts.add(part)
      found.set(`${level} ${name}`, event)
    }
  const rows = LEVELS.flatMap((level) =>
    sorted(
      [...found.values()]
        .filter((event) => event.level === level)
        .map(({ name, parts, message }) => [`\`${name}\``, level, [...parts].join(', '), message]),
    ),
  )
  return table(['Event', 'Level', 'Service', 'Says'], rows)
}

const sorted = (rows: string[][]) => rows.sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
