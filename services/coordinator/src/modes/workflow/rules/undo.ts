import { type Compensation, compensationOf, type Edge, type Graph, isEnded, type WorkflowNode } from '@carillon/contracts'
import type { TaskHead } from '@carillon/store'

/** What has become of what the nodes of a run have done: places of nodes that have something to be undone. */
export interface UndoState {
  /** Undone. */
  readonly done: readonly number[]
  /** Their compensation has failed, or was cut. */
  readonly failed: readonly number[]
  readonly underWay: readonly number[]
  /** Nothing of it has begun; the next one first. */
  readonly left: readonly number[]
}

type Ended = Pick<TaskHead, 'state' | 'reason' | 'endedAt'>

/** Reasons of a failure after which a node may have done anything. */
const LOST = ['instance-lost', 'hung', 'poison']

/** How it is undone; undefined: there is nothing to be undone. A node that succeeded is; one that was lost, timed out or cancelled, if it declares so. */
export function toUndo(node: WorkflowNode, { state, reason }: Ended): Compensation | undefined {
  const compensation = compensationOf(node)
  if (!compensation || state === 'succeeded') return compensation
  const isUnknown = state === 'timed_out' || state === 'cancelled' || (state === 'failed' && LOST.includes(reason ?? ''))
  return isUnknown && compensation.unknown ? compensation : undefined
}

/**
 * What is undone, and what comes next: of those after which nothing is left to be undone the one that ended last.
 * @param tasks of the nodes, in their current generation
 * @param undos tasks that undo them
 */
export function undoStateOf(
  graph: Graph,
  tasks: ReadonlyMap<number, Ended>,
  undos: ReadonlyMap<number, Pick<TaskHead, 'state'>>,
): UndoState {
  const states = { done: [] as number[], failed: [] as number[], underWay: [] as number[] }
  for (const [place, { state }] of undos) states[state === 'succeeded' ? 'done' : isEnded(state) ? 'failed' : 'underWay'].push(place)
  const left = new Set(
    [...tasks].flatMap(([place, task]) => (!undos.has(place) && toUndo(graph.nodes[place] as WorkflowNode, task) ? [place] : [])),
  )
  return { ...states, left: left.size === 0 ? [] : inOrder(graph, { left, tasks }) }
}

/** The next one first, the others as they stand in the graph. */
function inOrder(graph: Graph, { left, tasks }: { left: ReadonlySet<number>; tasks: ReadonlyMap<number, Ended> }): number[] {
  const holds = new Set<number>()
  let next = -1
  // From the leaves on: a node is not undone while one that it leads to is not.
  for (const place of graph.order.toReversed()) {
    const isHeld = (graph.outOf[place] as readonly Edge[]).some(({ to }) => holds.has(to))
    if (left.has(place) && !isHeld && (next < 0 || endOf(tasks, place) > endOf(tasks, next))) next = place
    if (isHeld || left.has(place)) holds.add(place)
  }
  return [next, ...graph.order.filter((place) => left.has(place) && place !== next)]
}

const endOf = (tasks: ReadonlyMap<number, Ended>, place: number) => tasks.get(place)?.endedAt ?? 0
