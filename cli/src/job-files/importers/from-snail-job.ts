import { CarillonError, type JobInput, LIMITS, type Overlap, type Route } from '@carillon/contracts'
import { handlerFrom, type ImportOptions, ImportResult, jsonOf, LeftOut, millisOf, nameFrom, zoneOf } from './import-result.ts'
import { fromQuartz } from './quartz-cron.ts'

type Note = (text: string) => void
type SnailJob = Readonly<Record<string, unknown>>

/** The jobs of SnailJob: what its console exports, a JSON array. */
export function fromSnailJob(text: string, options: ImportOptions): ImportResult {
  const list = jsonOf(text.replace(/^\ufeff/, ''))
  if (!Array.isArray(list))
    throw new CarillonError('INVALID_REQUEST', 'the file is no JSON array of jobs', {
      field: 'file',
      hint: 'Give the file that the list of jobs of the SnailJob console exports; workflows are another one, and are not imported.',
    })
  const result = new ImportResult()
  for (const [i, job] of list.entries()) {
    if (typeof job !== 'object' || job === null) result.leaveOut(`entry ${i}`, 'it is no object')
    else {
      const id = textOf(job.id) || String(i)
      result.add(`job ${id}`, id, (note) => jobOf(job, { id, options, note }))
    }
  }
  return result
}

const textOf = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')

function jobOf(job: SnailJob, { id, options, note }: { id: string; options: ImportOptions; note: Note }): JobInput {
  const schedule = scheduleOf(job, options, note)
  const retries = Number(job['maxRetryTimes']) || 0
  const [timeoutMs, retryMs] = [millisOf(job['executorTimeout']), millisOf(job['retryInterval'])]
  const title = textOf(job['jobName'])
  if (textOf(job['jobStatus']) === '0') note('it was stopped there: leave it paused')
  const work = { ...payloadOf(job, note), ...modeOf(job, note) }
  noteLost(job, note)
  return {
    name: nameFrom(title, `snail-job-${id}`),
    handler: handlerFrom(textOf(job['executorInfo']), note, `snail-job-${id}`),
    ...(textOf(job['description']) || title ? { description: (textOf(job['description']) || title).slice(0, 1_000) } : {}),
    ...(schedule === undefined ? {} : { schedule }),
    ...work,
    ...(work.mode === 'broadcast' ? {} : routeOf(job)),
    ...overlapOf(job),
    ...(retries > 0 ? { attempts: Math.min(retries + 1, LIMITS.attempts) } : {}),
    ...(retries > 0 && retryMs !== undefined ? { backoff: { type: 'fixed' as const, delayMs: retryMs } } : {}),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  }
}

const SHARDING = '3'

function payloadOf(job: SnailJob, note: Note): { payload?: unknown; items?: unknown[] } {
  const text = textOf(job['argsStr'])
  if (text === '') return {}
  const value = jsonOf(text)
  if (textOf(job['taskType']) === SHARDING) {
    if (Array.isArray(value) && value.length > 0) return { items: value }
    throw new LeftOut(`it is sharded, but its arguments are no list: ${text.slice(0, 60)}`)
  }
  if (textOf(job['argsType']) !== '2') return { payload: text }
  if (value === undefined) note('its arguments are said to be JSON, but are not: they are carried as text')
  return { payload: value ?? text }
}

function modeOf(job: SnailJob, note: Note): Pick<JobInput, 'mode'> {
  const type = textOf(job['taskType'])
  if (type === '2') return { mode: 'broadcast' }
  if (type !== '4' && type !== '5') return {}
  note('its handler must map here, too: mesh.map or mesh.mapReduce')
  return { mode: type === '4' ? 'map' : 'map-reduce' }
}

function routeOf(job: SnailJob): Pick<JobInput, 'route'> {
  const route = ROUTES[textOf(job['routeKey'])]
  return route === undefined ? {} : { route }
}

function overlapOf(job: SnailJob): Pick<JobInput, 'overlap'> {
  const overlap = OVERLAPS[textOf(job['blockStrategy'])]
  return overlap === undefined ? {} : { overlap }
}

function scheduleOf(job: SnailJob, options: ImportOptions, note: Note): JobInput['schedule'] {
  const [type, interval] = [textOf(job['triggerType']), textOf(job['triggerInterval'])]
  if (type === '3') return { timezone: zoneOf(options, 'the zone of the server of SnailJob'), ...fromQuartz(interval, note) }
  if (type === '5') return { at: instantsOf(job['triggerInterval']) }
  if (type === '99') {
    note('a workflow started it: it has no schedule of its own, and workflows are not carried')
    return undefined
  }
  const everyMs = type === '2' ? millisOf(interval) : undefined
  if (everyMs === undefined) throw new LeftOut(`its trigger type ${type || 'none'} with interval "${interval}" is not known here`)
  return { everyMs }
}

/** JSON text: a list of objects with `time` in ms. */
function instantsOf(interval: unknown): string[] {
  const list = jsonOf(interval)
  const times = (Array.isArray(list) ? list : []).map((entry: { time?: unknown } | null) => new Date(Number(entry?.time ?? Number.NaN)))
  if (times.length === 0 || times.some((time) => Number.isNaN(time.getTime()))) throw new LeftOut('its instants cannot be read')
  return times.map((time) => time.toISOString())
}

const OVERLAPS: Readonly<Record<string, Overlap>> = { 1: 'discard', 2: 'replace', 3: 'parallel', 4: 'recover' }
const ROUTES: Readonly<Record<string, Route>> = {
  1: 'consistent-hash',
  2: 'random',
  3: 'least-recent',
  4: 'round-robin',
  5: 'first',
  6: 'last',
}
const LANGUAGES: Readonly<Record<string, string>> = { 2: 'Python', 3: 'Go' }

function noteLost(job: SnailJob, note: Note): void {
  const language = textOf(job['executorType'])
  if (LANGUAGES[language] !== undefined) note(`its executor is written in ${LANGUAGES[language]}: docs/EXECUTOR.md is the protocol`)
  const given = (value: unknown) => value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)
  const lost = ['labels', 'notifyIds', 'ownerId'].filter((field) => given(job[field]))
  if (Number(job['parallelNum']) > 1) lost.push('parallelNum')
  if (lost.length > 0) note(`${lost.join(', ')} cannot be carried`)
}
