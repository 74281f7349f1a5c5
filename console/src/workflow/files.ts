import { convertJobDurations, type ErrorProblem } from '@carillon/contracts'
import { isMap, parseAllDocuments, stringify } from 'yaml'
import type { EditedNode, WorkflowDocument } from './document.ts'

/** The largest file that is read: far above the largest workflow that is accepted. */
const MOST_LETTERS = 4_000_000
/** Members of the graph that stand beside the options of the job in the short form. */
const SHORT = ['nodes', 'failFast', 'output'] as const

export interface ReadFile {
  readonly document: WorkflowDocument
  /** Durations that are none. The editor and the service find the rest. */
  readonly problems: readonly ErrorProblem[]
}

/** Why a text is no workflow. */
export class WorkflowFileError extends Error {
  override readonly name = 'WorkflowFileError'
}

/**
 * A workflow as YAML or JSON, in both forms that `carillon workflows` reads: a job with `workflow`, or with `nodes`, `failFast` and `output` beside its options.
 * @throws WorkflowFileError
 */
export function readWorkflowText(text: string): ReadFile {
  if (text.length > MOST_LETTERS) throw new WorkflowFileError(`more than ${MOST_LETTERS} letters`)
  // Without the merge key and with few aliases: a small text cannot become a large value.
  const documents = parseAllDocuments(text, { merge: false, prettyErrors: true })
  const [document, ...others] = [...documents].filter((one) => 'contents' in one && one.contents !== null)
  const error = document?.errors[0]
  if (error) throw new WorkflowFileError(error.message)
  if (document === undefined || !isMap(document.contents) || others.length > 0) throw new WorkflowFileError('not one object')
  const { $schema: _, ...value } = document.toJS({ maxAliasCount: 100 }) as Record<string, unknown>
  const { fields, problems } = convertJobDurations('workflow' in value ? value : fullForm(value))
  return { document: documentOf(fields), problems }
}

function fullForm(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isShort = (name: string) => (SHORT as readonly string[]).includes(name)
  const entries = Object.entries(value)
  return {
    ...Object.fromEntries(entries.filter(([name]) => !isShort(name))),
    workflow: Object.fromEntries(entries.filter(([name]) => isShort(name))),
  }
}

/** A job as a document. @throws WorkflowFileError where it has no graph */
export function documentOf(given: Readonly<Record<string, unknown>>): WorkflowDocument {
  const { workflow, ...job } = given
  const nodes = typeof workflow === 'object' && workflow !== null && 'nodes' in workflow ? workflow.nodes : undefined
  if (!Array.isArray(nodes)) throw new WorkflowFileError('no list of nodes')
  const wrong = nodes.findIndex((node) => typeof node !== 'object' || node === null || typeof node.id !== 'string')
  if (wrong >= 0) throw new WorkflowFileError(`node ${wrong + 1} has no id`)
  const name = typeof job['name'] === 'string' ? job['name'] : 'workflow'
  return { job: { ...job, name }, workflow: { ...(workflow as object), nodes: nodes as readonly EditedNode[] } }
}

/** What `jobs.put` takes. */
export const jobOf = ({ job, workflow }: WorkflowDocument): Record<string, unknown> => ({ ...job, workflow })

/** The short form, as YAML or JSON: `carillon workflows put` reads both. */
export function writeWorkflowText({ job, workflow }: WorkflowDocument, format: 'yaml' | 'json'): string {
  const { nodes, ...options } = workflow
  const value = { ...job, ...options, nodes }
  return format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value, { lineWidth: 120 })
}
