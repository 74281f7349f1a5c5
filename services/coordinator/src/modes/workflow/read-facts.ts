import { CarillonError, type Graph, isEnded, kindOf, LIMITS, nodeOfTask, undoneByTask } from '@carillon/contracts'
import type { RunHead, Store, TaskHead, TaskNode } from '@carillon/store'
import { childIdOf } from './child-ids.ts'
import type { WorkflowInput, WorkflowInputs } from './graphs.ts'
import type { WorkflowFacts } from './plan.ts'
import { type Read, VariablesReader } from './read-variables.ts'
import { keptChild, nodeOfChild, type Waiting, waitsForChild } from './rules/children.ts'
import { ancestorsOf } from './rules/context.ts'
import { generationOf } from './rules/generations.ts'
import { expressionsOf, type NodeExpressions, nodesRead } from './rules/node-expressions.ts'
import { outputOf, type Prepared, prepareNode } from './rules/prepare-node.ts'
import { prepareUndo } from './rules/prepare-undo.ts'
import { type NodeRecord, type NodeStatus, outcomeOf, settle } from './rules/settle.ts'
import { type UndoState, undoStateOf } from './rules/undo.ts'

const PAGE = 1_000
/** Its child run is there. */
const GOES_ON = { kind: 'child', item: null } as const
/** Nodes that start in one pass at most: payloads of all of them are in memory. */
const STARTED_AT_ONCE = 100

/** Reads what the plan of a workflow needs: the tasks of its nodes, and what those that are to start read. */
export async function readWorkflowFacts(
  run: RunHead,
  { store, inputs, expressions, now }: { store: Store; inputs: WorkflowInputs; expressions: NodeExpressions; now: number },
): Promise<WorkflowFacts> {
  const input = await inputs.of(run.id)
  const { graph } = input
  const { tasks, undos } = await currentRecords(store, run)
  const statuses = settle(graph, recordsOf(tasks))
  const waiting = await readWaiting(store, [...tasks.values()].filter(waitsForChild))
  const undoing = undoStateOf(graph, isEnded(run.state) ? asCancelled(tasks) : tasks, undos)
  const isUndone = undos.size > 0 || run.compensation !== null
  const ready = run.state === 'running' && !isUndone ? readyOf(graph, statuses).slice(0, STARTED_AT_ONCE) : []
  const children = await readChildNodes(store, run, { graph, ready })
  const base = { run, now, graph, statuses, tasks, waiting, undos, undoing, ...children }
  if (isEnded(run.state)) return { ...base, prepared: new Map(), output: undefined, undo: undefined }
  if (ready.length > 0) {
    const prepared = await readPrepared(store, input, { ...base, expressions, ready })
    return { ...base, prepared, output: undefined, undo: undefined }
  }
  const outcome = outcomeOf(graph, statuses)
  const output = outcome === 'succeeded' || outcome === 'nothing-to-do' ? await readOutput(store, input, { tasks, expressions }) : undefined
  const mayUndo = isUndone || run.state === 'cancelling' || outcome === 'failed' || outcome === 'cancelled' || typeof output === 'object'
  const undo = mayUndo ? await readUndo(store, input, { run, tasks, undoing }) : undefined
  return { ...base, prepared: new Map(), output, undo }
}

/** What is open of an ended run is about to be cancelled. */
const asCancelled = (tasks: ReadonlyMap<number, TaskHead>): Map<number, TaskHead> =>
  new Map([...tasks].map(([place, task]) => [place, isEnded(task.state) ? task : { ...task, state: 'cancelled' }]))

/** The result of a run that has succeeded. */
async function readOutput(
  store: Store,
  input: WorkflowInput,
  { tasks, expressions }: { tasks: ReadonlyMap<number, TaskHead>; expressions: NodeExpressions },
): Promise<WorkflowFacts['output']> {
  const { graph, workflow } = input
  if (workflow.output === undefined) return undefined
  const last = { named: nodesRead(graph, [expressions.value.get(workflow.output)]), before: new Set(graph.nodes.keys()) }
  try {
    return outputOf(workflow, await new VariablesReader(store, input, tasks).variablesOf(last), expressions)
  } catch (error) {
    return refusalIn(error)
  }
}

/** Evaluates the expressions of nodes that are to start: of as many as read, and are given, no more than others can wait for. */
async function readPrepared(
  store: Store,
  input: WorkflowInput,
  facts: Pick<WorkflowFacts, 'run' | 'graph' | 'tasks'> & {
    readonly kept: ReadonlySet<number>
    readonly expressions: NodeExpressions
    readonly ready: readonly number[]
  },
): Promise<Map<number, Prepared>> {
  const { run, graph, tasks, kept, expressions, ready } = facts
  const reader = new VariablesReader(store, input, tasks)
  const reads = ready.map((place) => ({
    place,
    named: nodesRead(graph, expressionsOf(nodeAt(graph, place), expressions)),
    before: ancestorsOf(graph, place),
  }))
  await reader.prefetch(reads.filter(({ place }) => !kept.has(place)))
  const prepared = new Map<number, Prepared>()
  let bytes = 0
  for (const read of reads) {
    if (prepared.size > 0 && (reader.isFull || bytes > LIMITS.nodeReadBytes)) break
    const { place } = read
    const made = kept.has(place) ? GOES_ON : await preparedOf(nodeAt(graph, place), { run, expressions, reader, read })
    prepared.set(place, made)
    if ('item' in made) bytes += made.item?.length ?? 0
  }
  return prepared
}

async function preparedOf(
  node: Graph['nodes'][number],
  { reader, read, ...given }: { run: RunHead; expressions: NodeExpressions; reader: VariablesReader; read: Read },
): Promise<Prepared> {
  try {
    return prepareNode(node, { ...given, variables: await reader.variablesOf(read) })
  } catch (error) {
    return { kind: 'failed', error: refusalIn(error) }
  }
}

/** That it reads too much. @throws what else went wrong, such as the store */
function refusalIn(error: unknown): CarillonError {
  if (CarillonError.is(error) && !error.retry && error.code !== 'INTERNAL') return error
  throw error
}

/** Tasks of nodes, and those that undo them, of the current generation, by the place of their node. */
export async function currentRecords(store: Store, run: RunHead): Promise<Record<'tasks' | 'undos', Map<number, TaskHead>>> {
  const [tasks, undos] = [new Map<number, TaskHead>(), new Map<number, TaskHead>()]
  let cursor: string | undefined
  do {
    const page = await store.tasks.list({ runId: run.id, limit: PAGE, cursor })
    for (const task of page.items) {
      const node = nodeOfTask(task.id)
      if (node && node.generation === generationOf(run, node.place)) tasks.set(node.place, task)
      const undone = node ? undefined : undoneByTask(task.id)
      if (undone && undone.generation === generationOf(run, undone.place)) undos.set(undone.place, task)
    }
    cursor = page.cursor
  } while (cursor !== undefined)
  return { tasks, undos }
}

/** What the task needs that undoes a node, if one may be next. */
async function readUndo(
  store: Store,
  { graph, payload }: WorkflowInput,
  { run, tasks, undoing }: { run: RunHead; tasks: ReadonlyMap<number, TaskHead>; undoing: UndoState },
): Promise<WorkflowFacts['undo']> {
  const [place] = undoing.left
  const isNext = (run.state === 'running' || run.state === 'cancelling') && undoing.failed.length + undoing.underWay.length === 0
  if (!isNext || place === undefined || [...tasks.values()].some(({ state }) => !isEnded(state))) return undefined
  const [task] = await store.tasks.get([tasks.get(place)?.id ?? ''])
  return task && { place, prepared: prepareUndo(nodeAt(graph, place), { task, payload, run }) }
}

/** These, with their child runs. */
async function readWaiting(store: Store, tasks: readonly TaskHead[]): Promise<Waiting[]> {
  if (tasks.length === 0) return []
  const children = await store.runs.heads(tasks.map(({ node }) => node?.child as string))
  return tasks.map((task, i) => ({ task, child: children[i] }))
}

/** What nodes wait for that are to start. One that runs again because it has failed goes on with the child run that it had, whatever it would be given now. */
async function readChildNodes(store: Store, run: RunHead, { graph, ready }: { graph: Graph; ready: readonly number[] }) {
  const places = ready.filter((place) => ['job', 'foreach'].includes(kindOf(nodeAt(graph, place))))
  const keeping = places.filter((place) => run.generations?.[keptChild(place)] !== undefined)
  const kept = keeping.length === 0 ? [] : await store.runs.heads(keeping.map((place) => childIdOf(run, place)))
  const children = places.map((place): [number, TaskNode] => {
    const child = kept[keeping.indexOf(place)]
    return [place, nodeOfChild(childIdOf(run, place), { child, isList: kindOf(nodeAt(graph, place)) === 'foreach' })]
  })
  return { children: new Map(children), kept: new Set(keeping.filter((_, i) => kept[i] !== undefined)) }
}

/** What they say of their nodes. */
export const recordsOf = (tasks: ReadonlyMap<number, TaskHead>): Map<number, NodeRecord> =>
  new Map([...tasks].map(([place, { state, node }]) => [place, { state, ...(node?.branch === undefined ? {} : { branch: node.branch }) }]))

/** Nodes that may start; none once the run can only fail and is to stop then. */
const readyOf = (graph: Graph, statuses: readonly NodeStatus[]): number[] =>
  graph.failFast && statuses.includes('failed') ? [] : graph.order.filter((place) => statuses[place] === 'ready')

const nodeAt = (graph: Graph, place: number) => graph.nodes[place] as Graph['nodes'][number]
