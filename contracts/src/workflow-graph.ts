import type { ErrorProblem } from './errors.ts'
import { kindOf } from './node-kind.ts'
import type { Workflow, WorkflowNode } from './workflow.ts'

/** From one node to another, by their places in the list of nodes. */
export interface Edge {
  readonly from: number
  readonly to: number
  /** Of an edge out of a decision: the branches that lead over it. Undefined: it is taken whatever is decided. */
  readonly branches?: readonly number[]
}

/** A graph with its edges. */
export interface Graph {
  readonly nodes: readonly WorkflowNode[]
  readonly failFast: boolean
  readonly edges: readonly Edge[]
  /** Edges into each node. */
  readonly into: readonly (readonly Edge[])[]
  /** Edges out of each node. */
  readonly outOf: readonly (readonly Edge[])[]
  /** Places of all nodes, each behind those that it comes after. */
  readonly order: readonly number[]
}

const listOf = (names: string | readonly string[] | undefined): readonly string[] =>
  names === undefined ? [] : typeof names === 'string' ? [names] : names

/** The nodes that each branch of a decision leads to, and the member that says so. */
export function branchesOf(node: WorkflowNode): { when: string | undefined; to: readonly string[]; member: 'to' | 'otherwise' }[] {
  if (!('decision' in node)) return []
  return node.decision.map((branch) =>
    'otherwise' in branch
      ? { when: undefined, to: listOf(branch.otherwise), member: 'otherwise' }
      : { when: branch.when, to: listOf(branch.to), member: 'to' },
  )
}

/**
 * The edges of a workflow. `after: d` of a node that a branch of decision `d` leads to is that branch.
 * @returns all that is wrong instead: names of no node, names used twice, circles, decisions without a way out
 */
export function graphOf({ nodes, failFast }: Workflow): Graph | { problems: readonly ErrorProblem[] } {
  const problems: ErrorProblem[] = []
  const places = placesOf(nodes, problems)
  const branches = new Map<string, Edge>()
  nodes.forEach((node, from) => {
    for (const [i, { to, member }] of branchesOf(node).entries())
      for (const name of to) {
        const target = places.get(name)
        if (target === undefined) problems.push(unknownNode(`nodes.${from}.decision.${i}.${member}`, name, nodes))
        else addBranch(branches, { from, to: target, branches: [i] })
      }
    checkDecision(node, from, problems)
    checkForeach(node, from, problems)
  })
  const plain = nodes.flatMap((node, to) =>
    [...new Set(listOf(node.after))].flatMap((name): Edge[] => {
      const from = places.get(name)
      if (from === undefined) problems.push(unknownNode(`nodes.${to}.after`, name, nodes))
      return from === undefined || branches.has(keyOf({ from, to })) ? [] : [{ from, to }]
    }),
  )
  const edges = [...plain, ...branches.values()]
  const into: Edge[][] = nodes.map(() => [])
  const outOf: Edge[][] = nodes.map(() => [])
  for (const edge of edges) {
    into[edge.to]?.push(edge)
    outOf[edge.from]?.push(edge)
  }
  const order = orderOf({ into, outOf })
  if (order.length < nodes.length) problems.push(circleIn(nodes, { into, order }))
  return problems.length > 0 ? { problems } : { nodes, failFast: failFast === true, edges, into, outOf, order }
}

const keyOf = ({ from, to }: Pick<Edge, 'from' | 'to'>) => `${from}>${to}`

function addBranch(branches: Map<string, Edge>, edge: Edge): void {
  const there = branches.get(keyOf(edge))
  branches.set(keyOf(edge), there ? { ...edge, branches: [...(there.branches ?? []), ...(edge.branches ?? [])] } : edge)
}

function placesOf(nodes: readonly WorkflowNode[], problems: ErrorProblem[]): Map<string, number> {
  const places = new Map<string, number>()
  for (const [place, { id }] of nodes.entries()) {
    if (places.has(id))
      problems.push({
        field: `nodes.${place}.id`,
        value: id,
        problem: 'another node has this id',
        hint: 'Give each node an id of its own.',
      })
    else places.set(id, place)
  }
  return places
}

/** What instances have been given ends, and all is given to them at once where nothing limits it. */
function checkForeach(node: WorkflowNode, place: number, problems: ErrorProblem[]): void {
  if (!('foreach' in node) || !node.failFast || node.maxParallel !== undefined) return
  problems.push({
    field: `nodes.${place}.failFast`,
    value: 'true',
    problem: 'all items are given to instances at once, so nothing is left that would not begin',
    hint: 'Give maxParallel, too.',
  })
}

function checkDecision(node: WorkflowNode, place: number, problems: ErrorProblem[]): void {
  if (kindOf(node) !== 'decision') return
  const defaults = branchesOf(node).filter(({ when }) => when === undefined).length
  if (defaults === 1) return
  problems.push({
    field: `nodes.${place}.decision`,
    value: node.id,
    problem: defaults === 0 ? 'the decision has no way out where no condition is true' : 'the decision has more than one default',
    hint: 'Give it one branch { otherwise: <node> }.',
  })
}

const unknownNode = (field: string, name: string, nodes: readonly WorkflowNode[]): ErrorProblem => ({
  field,
  value: name,
  problem: 'there is no such node',
  hint: nodesHint(nodes),
})

/** Nodes that a hint, or the circle of an error, lists. */
const LISTED_NODES = 20

/** The hint of an error that names a node which the workflow does not have. */
export function nodesHint(nodes: readonly WorkflowNode[]): string {
  const ids = nodes.slice(0, LISTED_NODES).map(({ id }) => id)
  return `The workflow has these nodes: ${ids.join(', ')}${nodes.length > LISTED_NODES ? ', …' : ''}.`
}

/** Places in an order in which each is behind those that lead to it; those on a circle, and behind one, are missing. */
function orderOf({ into, outOf }: Pick<Graph, 'into' | 'outOf'>): number[] {
  const open = into.map((edges) => edges.length)
  const order = open.flatMap((count, place) => (count === 0 ? [place] : []))
  for (let i = 0; i < order.length; i++)
    for (const { to } of outOf[order[i] as number] as readonly Edge[]) {
      open[to] = (open[to] as number) - 1
      if (open[to] === 0) order.push(to)
    }
  return order
}

/** Each node that is not in the order has one before it that is not either: going back from one leads round. */
function circleIn(nodes: readonly WorkflowNode[], { into, order }: Pick<Graph, 'into' | 'order'>): ErrorProblem {
  const ordered = new Set(order)
  const path: number[] = []
  let place = nodes.findIndex((_, i) => !ordered.has(i))
  while (!path.includes(place)) {
    path.push(place)
    place = (into[place] as readonly Edge[]).find(({ from }) => !ordered.has(from))?.from as number
  }
  const circle = [...path.slice(path.indexOf(place)), place].reverse()
  const ids = circle.map((i) => nodes[i]?.id)
  const shown = ids.length > LISTED_NODES ? [...ids.slice(0, LISTED_NODES - 1), `… ${ids.length - LISTED_NODES} more …`, ids.at(-1)] : ids
  const value = shown.join(' → ')
  return {
    field: `nodes.${circle[0]}.after`,
    value,
    problem: 'the nodes would wait for one another for ever',
    hint: 'Leave out one of these edges.',
  }
}
