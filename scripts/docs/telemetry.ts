import { globSync, readFileSync } from 'node:fs'
import { table } from './markdown.ts'

/** What the measurements of a metric carry; the code has it where it counts. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  'carillon.messages.rejected': '`stream`, `code` of [the catalogue](ERRORS.md)',
  'carillon.reports.refused': '`reason` (`stale-attempt`, `not-owner`, `not-open`, `unknown-run`, `lost-race`), `type` of the report',
  'carillon.retention.removed': '`kind` (`run`, `task`, `step`, `tombstone`)',
  'carillon.runs.ended': '`state`',
  'carillon.slots.lateness': '',
}

const METRIC = /meter\.(counter|milliseconds)\(\s*'([^']+)',\s*'([^']*)'/g
const KINDS: Readonly<Record<string, readonly [kind: string, unit: string]>> = {
  counter: ['counter', '1'],
  milliseconds: ['histogram', 'ms'],
}
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
      rows.set(name, [`\`${name}\``, ...(KINDS[maker] ?? []), part, description, attributes])
    }
  for (const name of Object.keys(ATTRIBUTES)) if (!rows.has(name)) throw new Error(`nobody makes metric ${name} any more`)
  return table(['Metric', 'Kind', 'Unit', 'Service', 'Counts', 'Attributes'], sorted([...rows.values()]))
}

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
