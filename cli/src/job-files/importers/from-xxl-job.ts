import { CarillonError, type JobInput, LIMITS, type Overlap, type Route } from '@carillon/contracts'
import { readCsv } from './csv.ts'
import { handlerFrom, type ImportOptions, ImportResult, LeftOut, millisOf, nameFrom, zoneOf } from './import-result.ts'
import { fromQuartz } from './quartz-cron.ts'
import { columnsOf, type Row, rowsOfDump } from './sql-dump.ts'

type Note = (text: string) => void

/** The jobs of XXL-JOB 2 and 3: a dump of `xxl_job_info` by mysqldump, or that table as CSV with a header. */
export function fromXxlJob(text: string, options: ImportOptions): ImportResult {
  const { columns, rows } = tableOf(text)
  if (!['schedule_type', 'executor_handler'].every((column) => columns.includes(column)))
    throw new CarillonError('INVALID_REQUEST', 'the file has no column schedule_type, or no column executor_handler', {
      field: 'file',
      hint: 'Give the table xxl_job_info of XXL-JOB 2.3 or newer, as a dump or as CSV with a header.',
    })
  const names = new Map(rows.map((row) => [valueIn(row, 'id'), titleOf(row)]))
  const result = new ImportResult()
  for (const row of rows) {
    const id = valueIn(row, 'id')
    result.add(`xxl_job_info ${id}`, id, (note) => jobOf(row, { options, names, note }))
  }
  return result
}

function tableOf(text: string): { columns: readonly string[]; rows: Row[] } {
  if (!/\b(?:insert\s+(?:ignore\s+)?into|create\s+table)\b/i.test(text)) return readCsv(text)
  const rows = rowsOfDump(text, 'xxl_job_info')
  const [first] = rows
  return { columns: first ? [...first.keys()] : columnsOf(text, 'xxl_job_info'), rows }
}

const valueIn = (row: Row, column: string) => row.get(column) ?? ''
/** `job_desc` up to 3.4, `name` from 3.5 on. */
const titleOf = (row: Row) => valueIn(row, 'name') || valueIn(row, 'job_desc')

interface Reading {
  readonly options: ImportOptions
  /** What the jobs are called, by their ids. */
  readonly names: ReadonlyMap<string, string>
  readonly note: Note
}

function jobOf(row: Row, { options, names, note }: Reading): JobInput {
  const title = titleOf(row)
  const id = valueIn(row, 'id')
  const work = workOf(row, note)
  const schedule = scheduleOf(row, options, note)
  const retries = Number(valueIn(row, 'executor_fail_retry_count')) || 0
  const timeoutMs = millisOf(valueIn(row, 'executor_timeout'))
  if (valueIn(row, 'trigger_status') === '0') note('it was stopped there: leave it paused')
  noteLost(row, names, note)
  return {
    name: nameFrom(title, nameFrom(valueIn(row, 'executor_handler'), `xxl-job-${id}`)),
    ...(title === '' ? {} : { description: title.slice(0, 1_000) }),
    ...work,
    ...(schedule === undefined ? {} : { schedule }),
    ...(schedule !== undefined && valueIn(row, 'misfire_strategy') === 'DO_NOTHING' ? { misfire: 'skip' as const } : {}),
    ...(retries > 0 ? { attempts: Math.min(retries + 1, LIMITS.attempts) } : {}),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...routeOf(valueIn(row, 'executor_route_strategy')),
    ...overlapOf(valueIn(row, 'executor_block_strategy')),
  }
}

const ROUTES: Readonly<Record<string, Route>> = {
  FIRST: 'first',
  LAST: 'last',
  ROUND: 'round-robin',
  RANDOM: 'random',
  CONSISTENT_HASH: 'consistent-hash',
  LEAST_FREQUENTLY_USED: 'least-used',
  LEAST_RECENTLY_USED: 'least-recent',
  FAILOVER: 'failover',
  BUSYOVER: 'idle',
}

function routeOf(strategy: string): Pick<JobInput, 'mode' | 'route'> {
  if (strategy === 'SHARDING_BROADCAST') return { mode: 'broadcast' }
  const route = ROUTES[strategy]
  return route === undefined ? {} : { route }
}

function overlapOf(block: string): Pick<JobInput, 'overlap'> {
  const overlap = OVERLAPS[block]
  return overlap === undefined ? {} : { overlap }
}

function workOf(row: Row, note: Note): { handler: string; payload?: unknown } {
  const type = valueIn(row, 'glue_type') || 'BEAN'
  const parameter = valueIn(row, 'executor_param')
  if (type === 'BEAN') {
    const handler = handlerFrom(valueIn(row, 'executor_handler'), note, `xxl-job-${valueIn(row, 'id')}`)
    return { handler, ...(parameter === '' ? {} : { payload: parameter }) }
  }
  const source = valueIn(row, 'glue_source')
  if (type !== 'GLUE_SHELL' || source === '')
    throw new LeftOut(`its work is a script (${type}) kept in the database: make it a handler or a program`)
  note('its shell script runs as it is by the handler command: read it first, and allow /bin/bash')
  return { handler: 'command', payload: { command: '/bin/bash', args: ['-c', source, 'script', ...(parameter === '' ? [] : [parameter])] } }
}

function scheduleOf(row: Row, options: ImportOptions, note: Note): JobInput['schedule'] {
  const [type, conf] = [valueIn(row, 'schedule_type'), valueIn(row, 'schedule_conf')]
  if (type === 'NONE' || type === '') return undefined
  if (type === 'CRON') return { timezone: zoneOf(options, 'the zone of the JVM of XXL-JOB'), ...fromQuartz(conf, note) }
  const everyMs = type === 'FIX_RATE' ? millisOf(conf) : undefined
  if (everyMs === undefined) throw new LeftOut(`its schedule ${type} "${conf}" is not known here`)
  note('its fixed rate counts from the planned time; there it counted from the last trigger, and drifted')
  return { everyMs }
}

function noteLost(row: Row, names: ReadonlyMap<string, string>, note: Note): void {
  const route = valueIn(row, 'executor_route_strategy')
  if (route === 'SHARDING_BROADCAST') note('sharding by address is a broadcast: ctx.shard has index and total')
  else if (route !== '' && ROUTES[route] === undefined) note(`route ${route} is not known here: an instance with room takes each run`)
  const block = valueIn(row, 'executor_block_strategy')
  const overlap = OVERLAPS[block]
  if (overlap)
    note(`${block}, which held in each process there, is overlap ${overlap} here: it holds for the whole mesh${MEANINGS[overlap] ?? ''}`)
  else if (block !== '') note(`block strategy ${block} is not carried`)
  const children = valueIn(row, 'child_jobid')
    .split(',')
    .filter((child) => child !== '')
  if (children.length > 0)
    note(`its children ${children.map((child) => names.get(child) || child).join(', ')} are not started by it: put them with --after-job`)
  if (valueIn(row, 'alarm_email') !== '') note('alarm_email is not carried: watch events of its runs')
}

const OVERLAPS: Readonly<Record<string, Overlap>> = { SERIAL_EXECUTION: 'serial', DISCARD_LATER: 'discard', COVER_EARLY: 'replace' }
const MEANINGS: Readonly<Record<string, string>> = { replace: ', and the old run has ended before the new one starts' }
