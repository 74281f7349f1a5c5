import {
  branchesOf,
  compensationOf,
  type Edge,
  type Graph,
  isEnded,
  kindOf,
  NODE_STATES,
  type NodeState,
  nodeOfTask,
  type TreeNode,
  type WorkflowNode,
} from '@carillon/contracts'
import type { RunHead, Store, TaskHead } from '@carillon/store'
import { limitOfWait } from '../../runs/rules/waits-of-nodes.ts'
import type { Tree } from '../mode.ts'
import { countsOf as countsIn } from '../rules/fan-in.ts'
import type { WorkflowInputs } from './graphs.ts'
import { currentRecords, recordsOf } from './read-facts.ts'
import { itemsOf } from './rules/children.ts'
import { type NodeStatus, settle } from './rules/settle.ts'

/** Names of nodes that hold one back, in the answer. */
const HOLDING_SHOWN = 5
/** Letters of a condition, in the answer: it is of a size that a message can have. */
const CONDITION_SHOWN = 100
/** Nodes whose items are counted: each may have 100,000. */
const LISTS_COUNTED = 20

/** Reads the nodes of a run, each with its state and what holds it back. */
export async function readWorkflowTree(run: RunHead, { store, inputs }: { store: Store; inputs: WorkflowInputs }): Promise<Tree> {
  const [{ graph }, records] = await Promise.all([inputs.of(run.id), currentRecords(store, run)])
  const tree = treeOf(run, graph, records)
  const lists = [...records.tasks.values()].filter(({ node }) => node?.list).slice(0, LISTS_COUNTED)
  const items = new Map<string, TreeNode['items']>()
  for (const { id, node } of lists) items.set(id, itemsOf(countsIn(await store.tasks.tally({ runId: node?.child as string }))))
  const withItems = (node: TreeNode): TreeNode => {
    const counted = node.taskId === undefined ? undefined : items.get(node.taskId)
    return counted ? { ...node, items: counted } : node
  }
  return { ...tree, nodes: (tree.nodes ?? []).map(withItems) }
}

/** @param records of the current generation, by the place of their node */
export function treeOf(
  run: Pick<RunHead, 'state'>,
  graph: Graph,
  { tasks, undos }: { tasks: ReadonlyMap<number, TaskHead>; undos: ReadonlyMap<number, TaskHead> },
): Tree {
  const statuses = settle(graph, recordsOf(tasks))
  const nodes = graph.nodes.map((node, place): TreeNode => {
    const task = tasks.get(place)
    const undo = undos.get(place)
    const state = undo?.state === 'succeeded' ? 'compensated' : (task?.state ?? stateOf(statuses[place] as NodeStatus, run))
    const holding = holdingOf(graph, statuses, { place, state })
    const branch = task?.node?.branch
    return {
      id: node.id,
      kind: kindOf(node),
      after: beforeOf(graph, place).map((from) => idAt(graph, from)),
      ...whenOf(graph, place),
      state,
      ...(holding.length === 0 ? {} : { waitsFor: holding }),
      ...(branch === undefined ? {} : { took: [...(branchesOf(node)[branch]?.to ?? [])] }),
      ...(task ? lifeOf(task, node) : {}),
      ...undoOf(node, undo),
    }
  })
  return { stages: [{ name: 'nodes', total: nodes.length, counts: countsOf(nodes) }], nodes }
}

/** Of a node that has no record. */
function stateOf(status: NodeStatus, run: Pick<RunHead, 'state'>): NodeState {
  if (status === 'passed') return 'skipped'
  if (status === 'not-needed') return 'not_needed'
  if (status === 'blocked') return 'blocked'
  // Nothing starts any more.
  if (isEnded(run.state)) return run.state === 'failed' ? 'blocked' : 'cancelled'
  return 'waiting'
}

function holdingOf(graph: Graph, statuses: readonly NodeStatus[], { place, state }: { place: number; state: NodeState }): string[] {
  if (state !== 'waiting' && state !== 'blocked') return []
  const holding: readonly NodeStatus[] = state === 'waiting' ? ['open', 'ready', 'under-way'] : ['failed', 'cancelled', 'blocked']
  return beforeOf(graph, place)
    .filter((from) => holding.includes(statuses[from] as NodeStatus))
    .slice(0, HOLDING_SHOWN)
    .map((from) => idAt(graph, from))
}

/** In the order of the graph. */
const beforeOf = (graph: Graph, place: number): number[] =>
  (graph.into[place] as readonly Edge[]).map(({ from }) => from).toSorted((one, other) => one - other)

/** The conditions of the branches that lead to a node. */
function whenOf(graph: Graph, place: number): Pick<TreeNode, 'when'> {
  const conditions = (graph.into[place] as readonly Edge[]).flatMap(({ from, branches }) => {
    if (!branches) return []
    const all = branchesOf(graph.nodes[from] as Graph['nodes'][number])
    const text = branches.map((branch) => all[branch]?.when ?? 'otherwise').join(' or ')
    return [[idAt(graph, from), text.length > CONDITION_SHOWN ? `${text.slice(0, CONDITION_SHOWN - 1)}…` : text] as const]
  })
  return conditions.length === 0 ? {} : { when: Object.fromEntries(conditions) }
}

const idAt = (graph: Graph, place: number) => graph.nodes[place]?.id as string

function undoOf(node: Graph['nodes'][number], undo: TaskHead | undefined): Pick<TreeNode, 'compensation'> {
  const compensation = compensationOf(node)
  if (!compensation) return {}
  return { compensation: { handler: compensation.handler, ...(undo ? { state: undo.state, ...timesOf(undo) } : {}) } }
}

function lifeOf(task: TaskHead, node: WorkflowNode): Partial<TreeNode> {
  const { state, reason } = task
  const dueAt = limitOfWait(task)
  const { generation = 1 } = nodeOfTask(task.id) ?? {}
  const { by, note, child } = task.node ?? {}
  const byRequest = reason === 'skipped-by-request' ? 'skipped' : reason === 'succeeded-by-request' ? 'succeeded' : undefined
  const decision = byRequest ?? task.node?.decision
  return {
    ...timesOf(task),
    ...(generation > 1 ? { generation } : {}),
    ...(child === undefined ? {} : { childRunId: child }),
    ...(state === 'delayed' ? awaitsOf(node) : {}),
    ...(decision ? { decided: { decision, ...(by === undefined ? {} : { by }), ...(note === undefined ? {} : { note }) } } : {}),
    ...(state === 'delayed' && dueAt !== null ? { dueAt: new Date(dueAt).toISOString() } : {}),
  }
}

function timesOf({ id, attempt, startedAt, endedAt }: TaskHead): Pick<TreeNode, 'taskId' | 'attempt' | 'startedAt' | 'endedAt'> {
  return {
    taskId: id,
    ...(attempt > 0 ? { attempt } : {}),
    ...(startedAt === null ? {} : { startedAt: new Date(startedAt).toISOString() }),
    ...(endedAt === null ? {} : { endedAt: new Date(endedAt).toISOString() }),
  }
}

function awaitsOf(node: WorkflowNode): Pick<TreeNode, 'awaits'> {
  if (!('wait' in node)) return {}
  if ('signal' in node.wait) return { awaits: { signal: node.wait.signal } }
  return 'approval' in node.wait ? { awaits: { approval: node.wait.approval.by ?? [] } } : {}
}

function countsOf(nodes: readonly Pick<TreeNode, 'state'>[]): Partial<Record<NodeState, number>> {
  const counts = new Map<NodeState, number>()
  for (const { state } of nodes) counts.set(state, (counts.get(state) ?? 0) + 1)
  return Object.fromEntries(NODE_STATES.flatMap((state) => (counts.has(state) ? [[state, counts.get(state)]] : [])))
}
