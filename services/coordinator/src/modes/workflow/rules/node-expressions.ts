import { branchesOf, type Graph, type WorkflowNode } from '@carillon/contracts'
import { type Expression, ExpressionCache, PLACES } from '@carillon/expressions'

/** Compiled expressions of workflows. One for each process. */
export interface NodeExpressions {
  readonly condition: { get(text: string): Expression<'boolean'> }
  readonly value: { get(text: string): Expression<'value'> }
  readonly list: { get(text: string): Expression<'value'> }
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
  if ('publish' in node) return node.publish.body === undefined ? [] : [value.get(node.publish.body)]
  const payload = 'payload' in node && node.payload !== undefined ? [value.get(node.payload)] : []
  return 'foreach' in node ? [list.get(node.foreach), ...payload] : payload
}

/** Places of the nodes whose results or states these expressions read. Names of no node are left out: they were refused when the workflow was stored. */
export function nodesRead(graph: Graph, expressions: readonly Expression[]): number[] {
  const names = new Set<string>()
  for (const expression of expressions) {
    const members = expression.membersRead('nodes')
    for (const name of members === 'all' ? graph.nodes.map(({ id }) => id) : members) names.add(name)
  }
  return graph.nodes.flatMap(({ id }, place) => (names.has(id) ? [place] : []))
}
