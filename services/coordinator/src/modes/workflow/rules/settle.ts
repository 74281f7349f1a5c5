import type { Edge, Graph, RunState } from '@carillon/contracts'

/** What is stored of a node, in its current generation. A node that has not begun has no record. */
export interface NodeRecord {
  readonly state: RunState
  /** Of a decision that has succeeded: the branch that was taken. */
  readonly branch?: number
}

/**
 * Of a node: `open` it waits for another one, `ready` it is to start, `under-way` it has started, `passed` it was disabled, or skipped by an operator; `not-needed` no
 * way has led to it, `blocked` what it comes after has failed.
 */
export type NodeStatus =
  | 'open'
  | 'ready'
  | 'under-way'
  | 'succeeded'
  | 'passed'
  | 'skipped-failure'
  | 'failed'
  | 'cancelled'
  | 'not-needed'
  | 'blocked'

/** Of an edge: `open` its node has not ended, `taken` or `dead` it has, `blocked` it has failed. */
type EdgeState = 'open' | 'taken' | 'dead' | 'blocked'

/** The status of each node, by its place: what follows from the records alone. */
export function settle(graph: Graph, records: ReadonlyMap<number, NodeRecord>): NodeStatus[] {
  const statuses: NodeStatus[] = graph.nodes.map(() => 'open')
  for (const place of graph.order) {
    const states = (graph.into[place] as readonly Edge[]).map((edge) =>
      stateOf(edge, statuses[edge.from] as NodeStatus, records.get(edge.from)),
    )
    statuses[place] = statusOf(graph, place, { states, record: records.get(place) })
  }
  return statuses
}

function statusOf(
  graph: Graph,
  place: number,
  { states, record }: { states: readonly EdgeState[]; record: NodeRecord | undefined },
): NodeStatus {
  const node = graph.nodes[place]
  // One that was skipped ahead of its turn does not let what follows overtake what comes before it.
  if (record && !(record.state === 'skipped' && states.includes('open'))) return recorded(record.state, node?.onFailure === 'skip')
  if (states.includes('open')) return 'open'
  if (states.includes('blocked')) return 'blocked'
  if (states.length > 0 && !states.includes('taken')) return 'not-needed'
  return node?.disabled ? 'passed' : 'ready'
}

function recorded(state: RunState, isSkipped: boolean): NodeStatus {
  if (state === 'succeeded') return 'succeeded'
  if (state === 'skipped') return 'passed'
  if (state === 'cancelled') return 'cancelled'
  if (state === 'failed' || state === 'timed_out' || state === 'expired') return isSkipped ? 'skipped-failure' : 'failed'
  return 'under-way'
}

function stateOf({ branches }: Edge, status: NodeStatus, record: NodeRecord | undefined): EdgeState {
  switch (status) {
    case 'open':
    case 'ready':
    case 'under-way':
      return 'open'
    case 'failed':
    case 'cancelled':
    case 'blocked':
      return 'blocked'
    case 'not-needed':
      return 'dead'
    case 'skipped-failure':
      // A decision that could not be made has taken no branch, not the default either.
      return branches ? 'dead' : 'taken'
    default:
      // A decision that was not made, because it is disabled or was skipped, leads to all of its branches.
      return branches && record?.branch !== undefined && !branches.includes(record.branch) ? 'dead' : 'taken'
  }
}

export type Outcome = 'succeeded' | 'nothing-to-do' | 'failed' | 'cancelled'

/** How a run ends whose nodes have these statuses: only leaves decide. Undefined: it goes on. */
export function outcomeOf(graph: Graph, statuses: readonly NodeStatus[]): Outcome | undefined {
  const isStopped = graph.failFast && statuses.includes('failed')
  if (statuses.includes('under-way') || (!isStopped && statuses.includes('ready'))) return undefined
  if (isStopped) return 'failed'
  const leaves = statuses.filter((_, place) => graph.outOf[place]?.length === 0)
  if (leaves.some((status) => status === 'failed' || status === 'blocked')) return isOnlyCancelled(statuses) ? 'cancelled' : 'failed'
  if (leaves.includes('cancelled')) return 'cancelled'
  // A node that has failed may have been passed over by an operator.
  const hasRun = statuses.some((status) => status === 'succeeded' || status === 'skipped-failure' || status === 'failed')
  return hasRun ? 'succeeded' : 'nothing-to-do'
}

/** Nothing has failed: what is blocked is so because something was cancelled. */
const isOnlyCancelled = (statuses: readonly NodeStatus[]) => !statuses.includes('failed') && statuses.includes('cancelled')
