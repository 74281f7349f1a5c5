import {
  CarillonError,
  type ErrorDetails,
  type JobInput,
  jobInMilliseconds,
  jobInputSchema,
  LIMITS,
  parseInput,
  printable,
  workflowProblems,
  writeJson,
} from '@carillon/contracts'
import { type Document, isScalar, isSeq, LineCounter } from 'yaml'
import { type EntryProblem, problemAt, refuse } from './file-problems.ts'
import { normalized, type WrittenJob } from './written-job.ts'
import { nodeAt, type Place, parseYaml, plainValue } from './yaml-text.ts'

/** A job of a file, and where each of its fields stands. */
export interface FileJob {
  readonly written: WrittenJob
  /** The line of a field, given as a path; of the nearest one that is there. */
  lineOf(field?: string): number
}

/**
 * The jobs of a YAML or JSON text. Each document is a list of jobs.
 * @param file its name, for errors
 * @throws CarillonError that names the line of the first wrong entry, and the lines of the others
 */
export function readJobsFile(text: string, file: string): FileJob[] {
  const lines = new LineCounter()
  const problems: EntryProblem[] = []
  const jobs: FileJob[] = []
  for (const document of parseYaml(text, file, lines)) {
    const list = listOf(document, { file, lines })
    for (const [i, value] of list.entries()) {
      const job = { document, lines, index: i }
      try {
        jobs.push(fileJob(value, job))
      } catch (error) {
        if (!CarillonError.is(error)) throw error
        problems.push(problemAt(error, lineIn(job, error.details.field), nameOf(value)))
      }
    }
  }
  refuse(file, [...problems, ...duplicates(jobs)])
  return jobs
}

function listOf(document: Document.Parsed, { file, lines }: { file: string; lines: LineCounter }): unknown[] {
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) return []
  if (isSeq(document.contents)) return plainValue(document, file)
  const { line } = lines.linePos(document.contents.range[0])
  throw new CarillonError('INVALID_REQUEST', `${file}:${line}: what is here is no list of jobs; nothing is applied`, {
    field: 'file',
    value: printable(plainValue(document, file), 60),
    hint: 'Begin each job with "- name: <name>", as carillon jobs export writes them.',
  })
}

const PAYLOAD = { maxBytes: LIMITS.payloadBytes, tooLarge: 'PAYLOAD_TOO_LARGE', notJson: 'INVALID_JSON' } as const

function fileJob(value: unknown, place: Omit<Place, 'path'>): FileJob {
  const { paused, ...input } =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as { paused?: unknown }) : { value }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong('job', value, 'Begin each job with "- name: <name>".')
  if (paused !== undefined && paused !== true)
    throw wrong(
      'paused',
      paused,
      'Use true, or leave it out: a file does not resume what an operator has paused; carillon jobs resume does.',
    )
  const job = parseInput(jobInputSchema, jobInMilliseconds(input), 'job')
  writeJson(job.payload ?? null, { ...PAYLOAD, field: 'payload' })
  if (job.items !== undefined) writeJson(job.items, { ...PAYLOAD, field: 'items' })
  checkPlan(job)
  checkWorkflow(job)
  checkRouting(job)
  return { written: { ...normalized(job), ...(paused ? { paused } : {}) }, lineOf: (field) => lineIn(place, field) }
}

/** What the service finds only when the job is put: then others would be stored already. */
function checkPlan(job: JobInput): void {
  const { mode, shards, items } = job
  if (shards !== undefined && items !== undefined) throw wrong('items', items, 'Give either shards or items.')
  if (mode !== undefined && (items !== undefined || (shards !== undefined && mode !== 'map-reduce')))
    throw wrong('mode', mode, 'Leave mode out where shards or items are given.')
  if (shards !== undefined || items !== undefined || (mode !== undefined && mode !== 'single')) return
  // The service would accept it while an executor is there whose handler maps. A file must mean the same at any time.
  for (const field of ['maxParallel', 'tolerate'] as const)
    if (job[field] !== undefined)
      throw wrong(field, job[field], 'Only fan-out runs have it: give shards, items, or the mode of the handler.')
}

/** The same for the graph of a workflow, but for its expressions. */
function checkWorkflow({ mode, shards, items, maxParallel, tolerate, workflow }: JobInput): void {
  if (workflow === undefined) return
  for (const [field, value] of Object.entries({ mode, shards, items, maxParallel, tolerate }))
    if (value !== undefined) throw wrong(field, value, 'A workflow has the tasks of its nodes: leave it out.')
  const [first] = workflowProblems(workflow)
  if (first)
    throw new CarillonError('INVALID_WORKFLOW', `${first.field} is wrong: ${first.problem}: ${first.value}`, {
      field: first.field,
      value: first.value,
      hint: first.hint,
    })
}

/** The same for routes. */
function checkRouting({ mode, route, instances, hashKey }: JobInput): void {
  const names = route === 'specific' || route === 'failover'
  if (mode === 'broadcast' && route !== undefined && route !== 'any')
    throw wrong('route', route, 'A broadcast has a task on every instance that matches labels and where: leave route out.')
  if (instances !== undefined && !names) throw wrong('instances', instances, 'Only the routes specific and failover name instances.')
  if (route === 'specific' && instances?.length !== 1) throw wrong('instances', instances, 'The route specific needs exactly one instance.')
  if (hashKey !== undefined && route !== 'consistent-hash') throw wrong('hashKey', hashKey, 'Only the route consistent-hash has a key.')
}

const lineIn = ({ document, lines, index }: Omit<Place, 'path'>, field = '') =>
  lines.linePos(nodeAt({ document, lines, index, path: field === '' ? [] : field.split('.') })).line

const nameOf = (value: unknown) => {
  const name = typeof value === 'object' && value !== null && 'name' in value ? value.name : undefined
  return typeof name === 'string' ? name : undefined
}

function wrong(field: string, value: unknown, hint: string): CarillonError {
  const details: ErrorDetails = { field, value: printable(value), hint }
  return new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, details)
}

function duplicates(jobs: readonly FileJob[]): EntryProblem[] {
  const first = new Map<string, FileJob>()
  const problems: EntryProblem[] = []
  for (const job of jobs) {
    const { name } = job.written
    const before = first.get(name)
    if (before === undefined) first.set(name, job)
    else {
      const [one, other] = [before.lineOf('name'), job.lineOf('name')]
      const details = { field: 'name', value: printable(name), hint: 'Give each job a name of its own, or remove one of them.' }
      problems.push({
        line: other,
        error: new CarillonError(
          'INVALID_REQUEST',
          `job ${printable(name)} is in the file twice: in line ${one} and in line ${other}`,
          details,
        ),
      })
    }
  }
  return problems
}
