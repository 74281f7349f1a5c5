import { branchesOf, compensationOf, type Graph, kindOf, type NodeState, type TreeNode, type WorkflowNode } from '@carillon/contracts'
import { requestText, waitText } from '../output/node-text.ts'

/** A box. */
export interface DrawnNode {
  readonly id: string
  readonly kind: TreeNode['kind']
  /** What it does. */
  readonly text: string
  readonly state?: NodeState
  readonly isDisabled?: true
}

/** An arrow. */
export interface DrawnEdge {
  readonly from: string
  readonly to: string
  /** Of a decision: when it is taken. */
  readonly text?: string
  /** In the run that is shown it was not taken. */
  readonly isDead?: true
}

/** What is drawn, in an order that follows from the ids alone: the same graph is the same picture. */
export interface Drawing {
  readonly title: string
  readonly nodes: readonly DrawnNode[]
  readonly edges: readonly DrawnEdge[]
}

/** The graph of a workflow. */
export function drawingOf(title: string, { nodes, edges }: Graph): Drawing {
  return inOrder({
    title,
    nodes: nodes.map((node) => ({
      id: node.id,
      kind: kindOf(node),
      text: doesOf(node),
      ...(node.disabled ? { isDisabled: true } : {}),
    })),
    edges: edges.map(({ from, to, branches }) => ({
      from: nodes[from]?.id as string,
      to: nodes[to]?.id as string,
      ...(branches ? { text: conditionsOf(nodes[from] as WorkflowNode, branches) } : {}),
    })),
  })
}

/** The graph of a run, as it was when the run was requested, with its states. */
export function drawingOfRun(title: string, run: readonly TreeNode[]): Drawing {
  const byId = new Map(run.map((node) => [node.id, node]))
  return inOrder({
    title,
    nodes: run.map(({ id, kind, state, compensation }) => ({
      id,
      kind,
      state,
      text: compensation?.state === undefined ? '' : `↶ ${compensation.handler}`,
    })),
    edges: run.flatMap(({ id: to, after, when = {} }) =>
      after.map((from) => {
        const source = byId.get(from)
        const text = Object.hasOwn(when, from) ? when[from] : undefined
        const isDead = source?.state === 'not_needed' || (text !== undefined && source?.took !== undefined && !source.took.includes(to))
        return { from, to, ...(text === undefined ? {} : { text }), ...(isDead ? { isDead } : {}) }
      }),
    ),
  })
}

/** What a node does, in a few words. */
function doesOf(node: WorkflowNode): string {
  const undo = compensationOf(node)
  const undone = undo ? ` ↶ ${undo.handler}` : ''
  if ('foreach' in node) return `${node.handler} for each${undone}`
  if ('handler' in node) return `${node.handler}${undone}`
  if ('job' in node) return `${node.job}${undone}`
  if ('wait' in node) return waitText(node.wait)
  if ('http' in node) return `${requestText(node.http)}${undone}`
  if ('publish' in node) return `→ ${node.publish.subject}`
  return `${node.decision.length} ways`
}

function conditionsOf(decision: WorkflowNode, branches: readonly number[]): string {
  const all = branchesOf(decision)
  return branches.map((branch) => all[branch]?.when ?? 'otherwise').join(' or ')
}

const keyOf = ({ from, to }: Pick<DrawnEdge, 'from' | 'to'>) => `${from} ${to}`

/** By the numbers of their letters: the same everywhere, whatever the language of the machine. */
const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0)

function inOrder({ title, nodes, edges }: Drawing): Drawing {
  return {
    title,
    nodes: nodes.toSorted((one, other) => compare(one.id, other.id)),
    edges: edges.toSorted((one, other) => compare(keyOf(one), keyOf(other))),
  }
}
