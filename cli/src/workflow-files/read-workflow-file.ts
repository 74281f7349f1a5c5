import {
  CarillonError,
  convertJobDurations,
  type ErrorProblem,
  type JobInput,
  jobInputSchema,
  problemsIn,
  type Workflow,
  workflowProblems,
} from '@carillon/contracts'
import { isMap, LineCounter } from 'yaml'
import { parseYaml, plainValue, positionOf } from '../job-files/yaml-text.ts'

/** A workflow as it is put. */
export type FileWorkflow = JobInput & { readonly workflow: Workflow }

/** What is wrong with a file, and in which line. */
export interface FileProblem extends ErrorProblem {
  readonly line: number
}

export interface WorkflowFile {
  readonly name: string
  /** Where there are no problems, a job that a service can be asked about. */
  readonly job: FileWorkflow
  readonly problems: readonly FileProblem[]
  /** A problem that a service has found, by the path of a field of the job. */
  at(problem: ErrorProblem): FileProblem
}

/** Members of the graph that stand beside the options of the job in the short form. */
const SHORT = ['nodes', 'failFast', 'output'] as const
const OF_OTHER_JOBS = ['handler', 'mode', 'shards', 'items', 'maxParallel', 'tolerate'] as const

/**
 * A workflow as YAML or JSON: a job with `workflow`, or the short form with `nodes`, `failFast` and `output` beside the options of the job.
 * @param file its name, for errors
 * @throws CarillonError INVALID_REQUEST of a text that is no YAML, or no object
 */
export function readWorkflowFile(text: string, file: string): WorkflowFile {
  const lines = new LineCounter()
  const [document, ...others] = parseYaml(text, file, lines).filter(({ contents }) => contents !== null)
  if (!document || !isMap(document.contents) || others.length > 0)
    throw new CarillonError('INVALID_REQUEST', `${file} holds ${others.length > 0 ? 'several documents' : 'no workflow'}`, {
      field: 'file',
      value: file,
      hint: 'Give one object: name, nodes, and options of the job.',
    })
  const { $schema: _, ...value } = plainValue<Record<string, unknown>>(document, file)
  const isShort = !('workflow' in value)
  const { fields: job, problems: wrong } = convertJobDurations(isShort ? fullForm(value) : value)
  const at = (problem: ErrorProblem): FileProblem => {
    const field = isShort ? problem.field.replace(/^workflow(\.|$)/, '') : problem.field
    const path = field === '' ? [] : field.split('.')
    return { ...withText(problem), field: field || 'nodes', line: lines.linePos(positionOf(document, path)).line }
  }
  const known = new Set(wrong.map(({ field }) => field))
  const problems = [...wrong, ...problemsOf(job).filter(({ field }) => !known.has(field))].map(at)
  return { name: file, job: job as unknown as FileWorkflow, problems: problems.toSorted((one, other) => one.line - other.line), at }
}

/** A duration as text in a field of milliseconds: names the field that takes it. */
function withText(problem: ErrorProblem): ErrorProblem {
  const [, name] = /(?:^|\.)(\w+)Ms$/.exec(problem.field) ?? []
  if (name === undefined || !problem.value.startsWith('"')) return problem
  return { ...problem, hint: `${problem.hint} Or, as text: ${name}: 5s.` }
}

function fullForm(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const rest = Object.fromEntries(Object.entries(value).filter(([name]) => !(SHORT as readonly string[]).includes(name)))
  const graph = Object.fromEntries(SHORT.filter((name) => name in value).map((name) => [name, value[name]]))
  return { ...rest, workflow: graph }
}

function problemsOf({ workflow, ...job }: Readonly<Record<string, unknown>>): ErrorProblem[] {
  const others = OF_OTHER_JOBS.filter((field) => field in job && (field !== 'handler' || job[field] !== job['name'])).map(
    (field): ErrorProblem => ({
      ...{ field, value: String(job[field]), problem: 'it is a field of other jobs' },
      hint: 'A workflow has the tasks of its nodes: leave it out.',
    }),
  )
  const known = new Set(others.map(({ field }) => field))
  const options = problemsIn(jobInputSchema, job, 'job').map(
    ({ details }): ErrorProblem => ({
      ...{ field: details.field ?? 'job', value: details.value ?? '', problem: 'it is wrong', hint: details.hint ?? '' },
    }),
  )
  return [...options.filter(({ field }) => !known.has(field)), ...others, ...workflowProblems(workflow)]
}

/** @throws CarillonError INVALID_WORKFLOW with all of them */
export function refuseProblems(file: string, problems: readonly FileProblem[]): void {
  const [first] = problems
  if (!first) return
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  throw new CarillonError('INVALID_WORKFLOW', `${file} has ${count}; nothing is put`, {
    field: first.field,
    value: first.value,
    hint: first.hint,
    problems: problems.map(({ line, ...problem }) => ({ ...problem, field: `${file}:${line} ${problem.field}` })),
  })
}
