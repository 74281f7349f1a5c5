import { type ErrorProblem, graphOf, type Workflow } from '@carillon/contracts'
import { branchesOf, kindOfNode, memberOf, type WorkflowDocument } from './document.ts'

/** What is wrong with a document, at once: names of nodes, circles, ways out, and what must not be empty. The service checks the rest, expressions too. */
export function checkDocument({ workflow }: WorkflowDocument): ErrorProblem[] {
  const empty: ErrorProblem[] =
    workflow.nodes.length === 0 ? [{ field: 'workflow.nodes', value: '[]', problem: 'there is no node', hint: 'Add a node.' }] : []
  const missing = workflow.nodes.flatMap((node, i) =>
    neededOf(node).flatMap(([path, value]): ErrorProblem[] =>
      value === '' || value === undefined
        ? [{ field: `workflow.nodes.${i}.${path}`, value: '', problem: 'it is missing', hint: 'Fill it in.' }]
        : [],
    ),
  )
  const graph = graphOf(workflow as unknown as Workflow)
  const wrong = 'problems' in graph ? graph.problems.map((problem) => ({ ...problem, field: `workflow.${problem.field}` })) : []
  return [...empty, ...missing, ...wrong]
}

function neededOf(node: WorkflowDocument['workflow']['nodes'][number]): [path: string, value: unknown][] {
  const kind = kindOfNode(node)
  const own: [string, unknown][] = [['id', node.id]]
  if (kind === 'handler' || kind === 'foreach') own.push(['handler', node['handler']])
  if (kind === 'foreach') own.push(['foreach', node['foreach']])
  if (kind === 'job') own.push(['job', node['job']])
  if (kind === 'publish') own.push(['publish.subject', memberOf(node['publish'], 'subject')])
  if (kind === 'http') own.push(['http.url', memberOf(node['http'], 'url')])
  if (kind === 'decision')
    branchesOf(node).forEach(({ when, to }, i) => {
      own.push([`decision.${i}.when`, when ?? 'otherwise'], [`decision.${i}.to`, to[0]])
    })
  return own
}

/** The node that a problem is about; undefined: it is about the job or the whole graph. */
export function nodeOfProblem({ field }: Pick<ErrorProblem, 'field'>, { workflow }: WorkflowDocument): string | undefined {
  const place = /^workflow\.nodes\.(\d+)(\.|$)/.exec(field)?.[1]
  return place === undefined ? undefined : workflow.nodes[Number(place)]?.id
}

/** The member of its node that a problem is about: `handler`, `decision.0.when`. */
export const memberOfProblem = ({ field }: Pick<ErrorProblem, 'field'>): string => field.replace(/^workflow\.nodes\.\d+\.?/, '')
