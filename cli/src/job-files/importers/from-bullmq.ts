import { type Backoff, CarillonError, type JobInput, LIMITS } from '@carillon/contracts'
import { handlerFrom, type ImportOptions, ImportResult, jsonOf, LeftOut, nameFrom, zoneOf } from './import-result.ts'

type Note = (text: string) => void
type Fields = Readonly<Record<string, unknown>>

/** What the lines of the dump hold: docs/MIGRATING.md has the command that makes them. */
interface Scheduler {
  /** The key of the sorted set, such as `bull:mail:repeat`. */
  readonly queue: string
  /** The member: the id of a scheduler, or all that a version before 5 knew of one. */
  readonly id: string
  /** The hash of the scheduler. */
  readonly hash: Fields
  /** Of the job that is delayed until its next time. */
  readonly delayed: Fields
}

/** The job schedulers of BullMQ 5, and the repeatable jobs of older ones: a line of JSON for each. */
export function fromBullmq(text: string, options: ImportOptions): ImportResult {
  const result = new ImportResult()
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const scheduler = schedulerOf(jsonOf(line), i + 1)
    const queue = scheduler.queue.split(':').slice(1, -1).join(':')
    result.add(`${queue} ${scheduler.id}`, nameFrom(queue, String(i + 1)), (note) => jobOf(scheduler, options, note))
  }
  return result
}

function schedulerOf(value: unknown, line: number): Scheduler {
  const { queue, id, hash, delayed } = isFields(value) ? value : ({} as Fields)
  if (typeof queue === 'string' && typeof id === 'string')
    return { queue, id, hash: isFields(hash) ? hash : {}, delayed: isFields(delayed) ? delayed : {} }
  throw new CarillonError('INVALID_REQUEST', `line ${line} is no scheduler of a dump of BullMQ`, {
    field: 'file',
    hint: 'Give what the redis-cli command in docs/MIGRATING.md prints: a JSON object with queue, id, hash and delayed on each line.',
  })
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const textOf = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')

/** Before version 5 a member was `name:jobId:endDate:tz:pattern`, where the pattern may hold colons, or a digest. */
function legacyFields(id: string): Fields {
  const [name = '', , endDate = '', tz = '', ...rest] = id.split(':')
  const times = rest.join(':')
  if (times === '') return {}
  return { name, endDate, tz, ...(/^\d+$/.test(times) ? { every: times } : { pattern: times }) }
}

function jobOf({ id, hash, delayed }: Scheduler, options: ImportOptions, note: Note): JobInput {
  // A scheduler counts its jobs; without a template it has neither data nor options.
  const isLegacy = ['ic', 'data', 'opts'].every((field) => hash[field] === undefined)
  const fields = { ...(isLegacy ? legacyFields(id) : {}), ...hash }
  const name = textOf(fields['name'])
  if (name === '') throw new LeftOut('the dump has no name for it, so that it is not known what it does')
  if (isLegacy) note('it is a repeatable job of an older BullMQ: payload and options are those of the job that is delayed')
  const source = isLegacy ? delayed : fields
  const data = jsonOf(source['data'])
  const opts = jsonOf(source['opts'])
  const schedule = scheduleOf(fields, options, note)
  note('there the next job is made when the last one starts, so that a busy queue thins out; here each slot is a run')
  noteLost(fields, note)
  return {
    // Of a digest, or of a member with all its parts, the name says more.
    name: nameFrom(isLegacy ? name : id, nameFrom(name, 'scheduler')),
    handler: handlerFrom(name, note, 'scheduler'),
    schedule,
    ...(data === undefined || (isFields(data) && Object.keys(data).length === 0) ? {} : { payload: data }),
    ...policyOf(isFields(opts) ? opts : {}, note),
  }
}

function scheduleOf(fields: Fields, options: ImportOptions, note: Note): NonNullable<JobInput['schedule']> {
  const [pattern, every, tz] = [textOf(fields['pattern']), Number(textOf(fields['every'])), textOf(fields['tz'])]
  const bounds = { ...boundOf('startAt', fields['startDate']), ...boundOf('endAt', fields['endDate']) }
  if (pattern !== '')
    return {
      cron: pattern.trim().replace(/\s+/g, ' '),
      timezone: tz || zoneOf(options, 'the zone of the process that ran BullMQ'),
      ...bounds,
    }
  if (!(every > 0)) throw new LeftOut('it has neither a pattern nor a period: a repeat function of its own cannot be carried')
  const offset = Number(textOf(fields['offset'])) || 0
  if (tz !== '') note(`its zone ${tz} has no use with a period`)
  return { everyMs: every, anchor: new Date(offset).toISOString(), ...bounds }
}

/** Milliseconds, or a date. */
function boundOf<Name extends 'startAt' | 'endAt'>(name: Name, value: unknown): Partial<Record<Name, string>> {
  const text = textOf(value)
  if (text === '') return {}
  const time = new Date(/^\d+$/.test(text) ? Number(text) : text)
  if (Number.isNaN(time.getTime())) throw new LeftOut(`its ${name === 'startAt' ? 'startDate' : 'endDate'} "${text}" cannot be read`)
  return { [name]: time.toISOString() } as Partial<Record<Name, string>>
}

/** Options of its jobs that have a twin here, and those that are the scheduler's own. */
const CARRIED = new Set(['attempts', 'backoff', 'repeat', 'repeatJobKey', 'jobId', 'prevMillis', 'timestamp', 'delay'])

function policyOf(opts: Fields, note: Note): Pick<JobInput, 'attempts' | 'backoff'> {
  const attempts = Number(opts['attempts'] ?? 0)
  const backoff = attempts > 1 ? backoffOf(opts['backoff'], note) : undefined
  const lost = Object.keys(opts).filter((name) => !CARRIED.has(name))
  if (lost.length > 0) note(`options without a counterpart: ${lost.toSorted().join(', ')}`)
  return { ...(attempts > 1 ? { attempts: Math.min(attempts, LIMITS.attempts) } : {}), ...(backoff === undefined ? {} : { backoff }) }
}

/** Milliseconds, or an object with type, delay and jitter. BullMQ doubles without a limit, Carillon up to 5 min. */
function backoffOf(value: unknown, note: Note): Backoff | undefined {
  const { type, delay, jitter } = isFields(value) ? value : { type: 'fixed', delay: value, jitter: undefined }
  const delayMs = Number(delay)
  const share = typeof jitter === 'number' && jitter > 0 && jitter <= 1 ? { jitter } : {}
  if (value === undefined) {
    note('without a backoff it was tried again at once: here too')
    return { type: 'fixed', delayMs: 0 }
  }
  if ((type === 'fixed' || type === 'exponential') && Number.isSafeInteger(delayMs) && delayMs >= 0)
    return type === 'fixed' ? { type, delayMs, ...share } : { type, delayMs, factor: 2, maxMs: Math.max(300_000, delayMs), ...share }
  note(`its backoff ${JSON.stringify(value).slice(0, 60)} is a function of its own: the default is used`)
  return undefined
}

function noteLost(fields: Fields, note: Note): void {
  const limit = Number(textOf(fields['limit']))
  if (limit > 0)
    note(`its limit of ${limit} jobs, of which ${textOf(fields['ic']) || '0'} were made, is not carried: set its end, or remove it in time`)
  const [opts, repeat] = [jsonOf(fields['opts']), 'repeat']
  const inner = isFields(opts) && isFields(opts[repeat]) ? opts[repeat] : fields
  if (inner['immediately'] === true || textOf(fields['immediately']) === 'true')
    note('immediately is not carried: the first run is at the first slot')
}
