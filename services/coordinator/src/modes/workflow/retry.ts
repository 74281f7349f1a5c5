import { CarillonError, type Graph, nodesHint, printable } from '@carillon/contracts'
import type { RunHead, RunRecord, Store, TaskHead } from '@carillon/store'
import type { RetryRequest } from '../mode.ts'
import { nothingFailed } from '../retry.ts'
import type { WorkflowInputs } from './graphs.ts'
import { currentRecords, recordsOf } from './read-facts.ts'
import { keptChild, mayGoOn } from './rules/children.ts'
import { descendantsOf } from './rules/context.ts'
import { generationOf } from './rules/generations.ts'
import { settle } from './rules/settle.ts'

/**
 * What a retry writes: the generation of each node that is to run again is raised, all in one write of the run. Nodes that keep theirs keep their results.
 * @throws CarillonError NOTHING_FAILED, INVALID_REQUEST; NODES_COMPENSATED where a node that was undone would keep its result
 */
export async function retryOfWorkflow(
  run: RunHead,
  request: RetryRequest,
  { store, inputs }: { store: Store; inputs: WorkflowInputs },
): Promise<Partial<Pick<RunRecord, 'generations' | 'compensation'>>> {
  if (request.only === 'compensation') {
    if (run.compensation !== null && run.compensation !== 'complete') return { compensation: 'again' }
    throw nothingFailed(run, 'compensation')
  }
  const { graph } = await inputs.of(run.id)
  const { tasks, undos } = await currentRecords(store, run)
  const again = [...placesToRun(run, request, { graph, statuses: settle(graph, recordsOf(tasks)) })]
  checkUndone(run, graph, { again: new Set(again), undone: [...undos.keys()] })
  // Also of nodes without a task: another coordinator may be about to write one that it planned before the retry.
  const raised = again.map((place) => [place, generationOf(run, place) + 1] as const)
  const anew = new Set(again.map(keptChild))
  const before = Object.entries(run.generations ?? {}).filter(([key]) => !anew.has(key))
  const kept = request.only ? await childrenKept(run, again, { store, tasks }) : []
  return { generations: Object.fromEntries([...before, ...raised, ...kept]) }
}

/** Child runs that did not succeed go on where they have failed: the generation of the node that they belong to. */
async function childrenKept(
  run: RunHead,
  again: readonly number[],
  { store, tasks }: { store: Store; tasks: ReadonlyMap<number, TaskHead> },
): Promise<[string, number][]> {
  const places = again.filter((place) => tasks.get(place)?.node?.child !== undefined && tasks.get(place)?.state !== 'succeeded')
  const children = await store.runs.heads(places.map((place) => tasks.get(place)?.node?.child as string))
  return places.flatMap((place, i) => {
    const at = run.generations?.[keptChild(place)] ?? generationOf(run, place)
    return mayGoOn(children[i]) ? [[keptChild(place), at] as [string, number]] : []
  })
}

function placesToRun(
  run: RunHead,
  { only, fromStep, fromNode, node }: RetryRequest,
  { graph, statuses }: { graph: Graph; statuses: ReturnType<typeof settle> },
): Set<number> {
  const given = Object.entries({ only, fromStep, fromNode, node }).filter(([, value]) => value !== undefined)
  const [, second] = given
  if (second) throw wrong(second[0], second[1], 'Give one of only, fromNode and node.')
  if (fromStep !== undefined) throw wrong('fromStep', fromStep, 'A workflow is run again from a node: give fromNode.')
  if (node !== undefined) return new Set([placeOf(graph, 'node', node)])
  if (fromNode !== undefined) return withDescendants(graph, [placeOf(graph, 'fromNode', fromNode)])
  if (!only) return new Set(graph.nodes.keys())
  const failed = graph.order.filter((place) => ['failed', 'skipped-failure', 'cancelled'].includes(statuses[place] as string))
  if (failed.length === 0 && run.state === 'succeeded') throw nothingFailed(run)
  return withDescendants(graph, failed)
}

/** Also what could not be undone must run again: how much of it was is not known. */
function checkUndone({ id }: RunHead, graph: Graph, { again, undone }: { again: ReadonlySet<number>; undone: readonly number[] }): void {
  const inOrder = graph.order.filter((place) => undone.includes(place))
  const [first = 0] = inOrder
  const kept = inOrder.find((place) => !again.has(place))
  if (kept === undefined) return
  const nameOf = (place: number) => printable(graph.nodes[place]?.id ?? '')
  const fromFirst = withDescendants(graph, [first])
  const isEnough = inOrder.every((place) => fromFirst.has(place))
  throw new CarillonError('NODES_COMPENSATED', `node ${nameOf(kept)} of run ${printable(id)} was undone, and is not to run again`, {
    field: 'fromNode',
    value: nameOf(kept),
    hint: isEnough
      ? `Run it again from node ${nameOf(first)}, or all of it.`
      : 'Run all of it again: no single node comes before all that was undone.',
  })
}

function withDescendants(graph: Graph, places: readonly number[]): Set<number> {
  return new Set(places.flatMap((place) => [place, ...descendantsOf(graph, place)]))
}

function placeOf(graph: Graph, field: string, id: string): number {
  const place = graph.nodes.findIndex((node) => node.id === id)
  if (place >= 0) return place
  throw wrong(field, id, nodesHint(graph.nodes))
}

const wrong = (field: string, value: unknown, hint: string) =>
  new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, { field, value: printable(value), hint })
