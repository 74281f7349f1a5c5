import { parseDuration } from './duration.ts'
import { CarillonError, type ErrorProblem, printable } from './errors.ts'
import { LIMITS } from './limits.ts'

/** Where durations may be written as text in an object: a field `timeout` in the place of `timeoutMs`. A test holds it against the schemas. */
export interface WrittenDurations {
  /** Names without `Ms`. */
  readonly fields: readonly string[]
  /** Names of lists of durations. */
  readonly lists?: readonly string[]
  /** Of objects within it, by the name of their field. */
  readonly within?: Readonly<Record<string, WrittenDurations>>
}

const BACKOFF: WrittenDurations = { fields: ['delay', 'max', 'min'], lists: ['delays'] }
const PERIOD: WrittenDurations = { fields: ['period'] }
const TRIES: WrittenDurations = { fields: ['timeout'], within: { backoff: BACKOFF } }

/** Of a job, but for the nodes of a workflow. */
export const JOB_DURATIONS: WrittenDurations = {
  fields: ['timeout', 'runTimeout', 'deadline', 'misfireAfter'],
  within: {
    ...{ backoff: BACKOFF, schedule: { fields: ['every', 'after', 'jitter'] }, failureBackoff: { fields: ['step'] } },
    ...{ rate: PERIOD, throttle: PERIOD, batch: PERIOD, debounce: { fields: ['period', 'maxWait'] } },
  },
}

/** Of a node of a workflow. */
export const NODE_DURATIONS: WrittenDurations = {
  fields: ['timeout'],
  within: {
    ...{ backoff: BACKOFF, compensate: TRIES },
    wait: { fields: ['duration', 'timeout'], within: { approval: { fields: ['timeout'] } } },
  },
}

/** Of the options of a distributed retry. */
export const RETRY_DURATIONS: WrittenDurations = {
  fields: ['timeout', 'deadline'],
  within: { local: { fields: ['delay'] }, backoff: BACKOFF, budget: PERIOD, onSuccess: TRIES, onExhausted: TRIES },
}

type Fields = Readonly<Record<string, unknown>>

/**
 * The same fields with durations as text in the place of milliseconds: `timeout: '30s'` is `timeoutMs: 30_000`. What is no duration stays as it is, and is a problem.
 * @param path where the fields are, for problems
 */
export function convertDurations(fields: object, written: WrittenDurations, path = ''): { fields: Fields; problems: ErrorProblem[] } {
  const problems: ErrorProblem[] = []
  const entries = Object.entries(fields).map(([name, value]): [string, unknown] => {
    const field = path === '' ? name : `${path}.${name}`
    const within = written.within?.[name]
    if (within && isObject(value)) {
      const inner = convertDurations(value, within, field)
      problems.push(...inner.problems)
      return [name, inner.fields]
    }
    const isList = written.lists?.includes(name) === true
    if (value === undefined || !(isList || written.fields.includes(name))) return [name, value]
    const problem = (hint: string) => problems.push({ field, value: printable(value), problem: `it is wrong: ${printable(value)}`, hint })
    if (`${name}Ms` in fields) problem(`Give ${name} or ${name}Ms.`)
    const ms = isList ? (Array.isArray(value) ? value.map(parseDuration) : [undefined]) : [parseDuration(value)]
    if (!ms.includes(undefined)) return [`${name}Ms`, isList ? ms : ms[0]]
    problem(
      `Use ${isList ? 'a list of durations' : 'a duration'} such as '500ms', '10m', '1h30m' or '2d', up to ${LIMITS.horizonYears} years.`,
    )
    return [name, value]
  })
  return { fields: Object.fromEntries(entries), problems }
}

/** The same. @throws CarillonError INVALID_DELAY of the first that is wrong */
export function inMilliseconds(given: object, written: WrittenDurations, path = ''): Record<string, unknown> {
  const { fields, problems } = convertDurations(given, written, path)
  refuse(problems)
  return fields
}

/** Of a job with its nodes, if it is a workflow. @throws CarillonError INVALID_DELAY */
export function jobInMilliseconds(job: object): Record<string, unknown> {
  const { fields, problems } = convertJobDurations(job)
  refuse(problems)
  return fields
}

/** Of a job with its nodes, if it is a workflow. */
export function convertJobDurations(job: object): ReturnType<typeof convertDurations> {
  const { fields, problems } = convertDurations(job, JOB_DURATIONS)
  const { workflow } = fields
  if (!isObject(workflow) || !('nodes' in workflow) || !Array.isArray(workflow.nodes)) return { fields, problems }
  const nodes = workflow.nodes.map((node: unknown, i) =>
    isObject(node) ? convertDurations(node, NODE_DURATIONS, `workflow.nodes.${i}`) : { fields: node, problems: [] },
  )
  return {
    fields: { ...fields, workflow: { ...workflow, nodes: nodes.map((node) => node.fields) } },
    problems: [...problems, ...nodes.flatMap((node) => node.problems)],
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)

function refuse([first]: readonly ErrorProblem[]): void {
  if (!first) return
  const { field, value, hint } = first
  throw new CarillonError('INVALID_DELAY', `${field} is wrong: ${value}`, { field, value, hint })
}
