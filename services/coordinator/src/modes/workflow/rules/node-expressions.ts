import { branchesOf, type Graph, type HttpNodeRequest, isPlainUrl, type WorkflowNode } from '@carillon/contracts'
import { type Expression, ExpressionCache, PLACES } from '@carillon/expressions'

/** Compiled expressions of workflows. One for each process. */
export interface NodeExpressions {
  readonly condition: { get(text: string): Expression<'boolean'> }
  readonly value: { get(text: string): Expression<'value'> }
  readonly list: { get(text: string): Expression<'list'> }
  readonly hashKey: { get(text: string): Expression<'key'> }
}

export const newNodeExpressions = (): NodeExpressions => ({
  condition: new ExpressionCache({ field: 'when', ...PLACES.decision }),
  value: new ExpressionCache({ field: 'payload', ...PLACES.nodeValue }),
  list: new ExpressionCache({ field: 'foreach', ...PLACES.list }),
  hashKey: new ExpressionCache({ field: 'hashKey', ...PLACES.hashKey }),
})

/** The expressions that are evaluated when a node starts. */
export function expressionsOf(
  node: WorkflowNode,
  { condition, value, list }: Pick<NodeExpressions, 'condition' | 'value' | 'list'>,
): Expression[] {
  if ('decision' in node) return branchesOf(node).flatMap(({ when }) => (when === undefined ? [] : [condition.get(when)]))
  const values = valuesOf(node).map(({ text }) => value.get(text))
  return 'foreach' in node ? [list.get(node.foreach), ...values] : values
}

/** The texts of a node that are expressions for any value, and where each stands. */
export function valuesOf(node: WorkflowNode): { readonly member: string; readonly text: string }[] {
  const texts: readonly [string, string | undefined][] =
    'http' in node
      ? textsOf(node.http)
      : 'publish' in node
        ? [['publish.body', node.publish.body]]
        : [['payload', 'payload' in node ? node.payload : undefined]]
  return texts.flatMap(([member, text]) => (text === undefined ? [] : [{ member, text }]))
}

const textsOf = ({ url, headers = {}, body }: HttpNodeRequest): [string, string | undefined][] => [
  ['http.url', isPlainUrl(url) ? undefined : url],
  ...Object.entries(headers).map(([name, value]): [string, string | undefined] => [
    `http.headers.${name}.value`,
    typeof value === 'object' && 'value' in value ? value.value : undefined,
  ]),
  ['http.body', body],
]

/** Places of the nodes whose results or states these expressions read. Names of no node are left out: they were refused when the workflow was stored. */
export function nodesRead(graph: Graph, expressions: readonly Expression[]): number[] {
  const names = new Set<string>()
  for (const expression of expressions) {
    const members = expression.membersRead('nodes')
    for (const name of members === 'all' ? graph.nodes.map(({ id }) => id) : members) names.add(name)
  }
  return graph.nodes.flatMap(({ id }, place) => (names.has(id) ? [place] : []))
}
