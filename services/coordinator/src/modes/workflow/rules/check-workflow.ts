import {
  BUILT_IN_HANDLERS,
  branchesOf,
  CarillonError,
  compensationOf,
  type ErrorProblem,
  type Graph,
  graphOf,
  handlerOf,
  LIMITS,
  nodesHint,
  printable,
  SUBJECT_ROOT,
  type Workflow,
  type WorkflowNode,
} from '@carillon/contracts'
import type { Expression } from '@carillon/expressions'
import { routingOf } from '../../../routing/rules/request.ts'
import { checkBackoff } from '../../../runs/rules/next-attempt.ts'
import { ancestorsOf } from './context.ts'
import { type NodeExpressions, valuesOf } from './node-expressions.ts'

/** What nodes are checked with. */
export interface WorkflowChecks extends NodeExpressions {
  readonly where: { get(text: string): Expression }
  readonly hashKey: { get(text: string): Expression }
  readonly now: number
  /** Of the workflow. */
  readonly name: string
  readonly namespace: string
}

/** Letters of one problem: with the most of them the error fits into a message. */
const [VALUE_LETTERS, PROBLEM_LETTERS] = [200, 1_000]
const shortened = (text: string, letters: number) => (text.length > letters ? `${text.slice(0, letters)}…` : text)

/** What is stored can be run. @throws CarillonError INVALID_WORKFLOW with all that is wrong, or the first hundred things */
export function checkWorkflow(workflow: Workflow, checks: WorkflowChecks): void {
  const graph = graphOf(workflow)
  const problems: ErrorProblem[] = 'problems' in graph ? [...graph.problems] : []
  const known = 'problems' in graph ? undefined : graph
  for (const [place, node] of workflow.nodes.entries()) problems.push(...problemsOf(node, place, { graph: known, checks }))
  if (workflow.output !== undefined) problems.push(...problemsOfText(workflow.output, 'output', { compile: checks.value, graph: known }))
  const [first, ...rest] = problems
  if (!first) return
  const more = rest.length > 0 ? ` and ${rest.length} more` : ''
  throw new CarillonError('INVALID_WORKFLOW', `workflow.${first.field} is wrong: ${shortened(first.problem, PROBLEM_LETTERS)}${more}`, {
    field: `workflow.${first.field}`,
    value: shortened(first.value, VALUE_LETTERS),
    hint: first.hint,
    problems: problems.slice(0, LIMITS.workflowProblems).map((problem) => ({
      ...problem,
      field: `workflow.${problem.field}`,
      value: shortened(problem.value, VALUE_LETTERS),
      problem: shortened(problem.problem, PROBLEM_LETTERS),
    })),
  })
}

/**
 * What it says otherwise than it may have been meant.
 * @param isOffered whether some instance offers a handler now
 * @param isJob whether there is a job of this name now
 */
export function workflowWarnings(
  { nodes }: Workflow,
  { isOffered, isJob }: { isOffered: (handler: string) => boolean; isJob: (name: string) => boolean },
): string[] {
  const isUnknown = (node: WorkflowNode) => 'job' in node && !isJob(node.job) && !isOffered(node.job)
  const unknown = [...new Set(nodes.flatMap((node) => ('job' in node && isUnknown(node) ? [node.job] : [])))]
  const missing = [...new Set(nodes.flatMap(handlersOf))].filter((handler) => !isOffered(handler))
  const repeated = nodes.flatMap((node) => {
    const conditions = branchesOf(node).flatMap(({ when }) => when ?? [])
    return conditions.some((when, i) => conditions.indexOf(when) < i) ? [node.id] : []
  })
  return [
    ...(missing.length > 0
      ? [`no instance offers ${missing.slice(0, 10).join(', ')} now: nodes of these wait until one does.${startText(missing)}`]
      : []),
    ...(unknown.length > 0
      ? [
          `there is no job, and no handler that is offered, named ${unknown.slice(0, 10).join(', ')}: nodes of these wait for a handler of that name.`,
        ]
      : []),
    ...repeated.map((id) => `two branches of decision ${id} have the same condition: the second one is never taken.`),
  ]
}

/** What starts those that come with Carillon. */
function startText(handlers: readonly string[]): string {
  const commands = handlers.flatMap((handler) => BUILT_IN_HANDLERS.get(handler) ?? [])
  return commands.length === 0 ? '' : ` To offer what is built in: ${commands.join(', ')}.`
}

/** Handlers of a node, with the one that undoes it. */
function handlersOf(node: WorkflowNode): string[] {
  return [handlerOf(node), compensationOf(node)?.handler].filter((handler) => handler !== undefined)
}

interface Checking {
  readonly graph: Graph | undefined
  readonly checks: WorkflowChecks
}

function problemsOf(node: WorkflowNode, place: number, { graph, checks }: Checking): ErrorProblem[] {
  const at = (member: string) => `nodes.${place}.${member}`
  if ('decision' in node)
    return branchesOf(node).flatMap(({ when }, i) =>
      when === undefined ? [] : problemsOfText(when, at(`decision.${i}.when`), { compile: checks.condition, graph, place }),
    )
  const values = valuesOf(node).flatMap(({ member, text }) =>
    problemsOfText(text, at(member), { compile: checks.value, graph, place }).map((problem) =>
      member === 'http.url' ? { ...problem, hint: `${problem.hint} ${URL_HINT}`.trim() } : problem,
    ),
  )
  if ('job' in node) return [...(node.job === checks.name ? [waitsForItself(at('job'), node.job)] : []), ...values]
  if ('publish' in node)
    return [...problemIn(at('publish.subject'), () => checkPublished(checks.namespace, node.publish.subject)), ...values]
  if (!('handler' in node || 'http' in node)) return values
  return [
    ...('foreach' in node ? problemsOfText(node.foreach, at('foreach'), { compile: checks.list, graph, place }) : []),
    ...values,
    ...problemIn(at('backoff'), () => checkBackoff(node.backoff, checks.now)),
    ...problemIn(at('compensate.backoff'), () => checkBackoff(compensationOf(node)?.backoff, checks.now)),
    ...problemIn(at('route'), () => routingOf(node, { mode: 'foreach' in node ? 'shards' : 'single' })),
    ...problemIn(at('where'), () => node.where === undefined || checks.where.get(node.where)),
    ...problemIn(at('hashKey'), () => node.hashKey === undefined || checks.hashKey.get(node.hashKey)),
  ]
}

/** What does not begin as a URL is an expression. */
const URL_HINT = `A URL as it is begins with https:// or http://; an expression is such as 'https://example.org/orders/' + payload.id.`

/** Of the subjects of Carillon those that fire jobs. @throws CarillonError INVALID_REQUEST */
function checkPublished(namespace: string, subject: string): void {
  const [root, of, kind, ...rest] = subject.split('.')
  if (root !== SUBJECT_ROOT || (of === namespace && kind === 'trigger' && rest.length === 1)) return
  throw new CarillonError('INVALID_REQUEST', `${printable(subject)} carries messages by which Carillon works`, {
    field: 'subject',
    value: printable(subject),
    hint: `Use a subject of your own, or ${SUBJECT_ROOT}.${namespace}.trigger.<job>, which fires that job.`,
  })
}

const waitsForItself = (field: string, value: string): ErrorProblem => ({
  field,
  value,
  problem: 'a run of it would wait for itself',
  hint: 'Name another job, or start it with afterJobs when this one has ended.',
})

/** Of an expression: its own, and the names of nodes that it reads. @param of.place the node that it belongs to; undefined: it is evaluated at the end */
function problemsOfText(
  text: string,
  field: string,
  of: { compile: { get(text: string): Expression }; graph: Graph | undefined; place?: number },
): ErrorProblem[] {
  const problems = problemIn(field, () => of.compile.get(text))
  if (problems.length > 0 || !of.graph) return problems
  const { nodes } = of.graph
  const members = of.compile.get(text).membersRead('nodes')
  const before = of.place === undefined ? undefined : ancestorsOf(of.graph, of.place)
  return (members === 'all' ? [] : members).flatMap((name): ErrorProblem[] => {
    const place = nodes.findIndex(({ id }) => id === name)
    if (place < 0) return [{ field, value: text, problem: `there is no node ${name}`, hint: nodesHint(nodes) }]
    if (!before || before.has(place)) return []
    const hint = 'An expression reads the nodes that lead to its own: add the other one to after.'
    return [{ field, value: text, problem: `node ${name} does not come before ${nodes[of.place ?? 0]?.id}`, hint }]
  })
}

/** What a check throws, as a problem of this field. */
function problemIn(field: string, check: () => unknown): ErrorProblem[] {
  try {
    check()
    return []
  } catch (error) {
    const { message, details } = CarillonError.from(error)
    return [{ field, value: details.value ?? '', problem: message, hint: details.hint ?? '' }]
  }
}
