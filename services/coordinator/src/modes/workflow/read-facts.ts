import { type Graph, isEnded, kindOf, nodeOfTask, undoneByTask } from '@carillon/contracts'
import type { RunHead, Store, TaskHead, TaskNode, TaskRecord } from '@carillon/store'
import { childIdOf } from './child-ids.ts'
import type { WorkflowInput, WorkflowInputs } from './graphs.ts'
import type { WorkflowFacts } from './plan.ts'
import { keptChild, nodeOfChild, type Waiting, waitsForChild } from './rules/children.ts'
import { type Addition, ancestorsOf, mergeContext } from './rules/context.ts'
import { generationOf } from './rules/generations.ts'
import { expressionsOf, type NodeExpressions, nodesRead } from './rules/node-expressions.ts'
import { type NodeVariables, outputOf, prepareNode } from './rules/prepare-node.ts'
import { prepareUndo } from './rules/prepare-undo.ts'
import { type NodeRecord, type NodeStatus, outcomeOf, settle } from './rules/settle.ts'
import { type UndoState, undoStateOf } from './rules/undo.ts'

const PAGE = 1_000
/** Its child run is there. */
const GOES_ON = { kind: 'child', item: null } as const
/** Nodes that start in one pass: payloads of all of them are in memory. */
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
  const undoing = undoStateOf(graph, tasks, undos)
  const isUndone = undos.size > 0 || run.compensation !== null
  const ready = run.state === 'running' && !isUndone ? readyOf(graph, statuses).slice(0, STARTED_AT_ONCE) : []
  const children = await readChildNodes(store, run, { graph, ready })
  const base = { run, now, graph, statuses, tasks, waiting, undos, undoing, ...children }
  if (ready.length > 0) {
    const reads = ready.map((place) => ({
      place,
      named: nodesRead(graph, expressionsOf(nodeAt(graph, place), expressions)),
      before: ancestorsOf(graph, place),
    }))
    const variablesOf = await readVariables(store, input, { tasks, reads })
    const prepared = reads.map((read) => {
      const preparing = { run, variables: variablesOf(read), expressions }
      const isKept = base.kept.has(read.place)
      return [read.place, isKept ? GOES_ON : prepareNode(nodeAt(graph, read.place), preparing)] as const
    })
    return { ...base, prepared: new Map(prepared), output: undefined, undo: undefined }
  }
  const outcome = outcomeOf(graph, statuses)
  const output = outcome === 'succeeded' ? await readOutput(store, input, { tasks, expressions }) : undefined
  const mayUndo = isUndone || run.state === 'cancelling' || outcome === 'failed' || outcome === 'cancelled' || typeof output === 'object'
  const undo = mayUndo ? await readUndo(store, input, { run, tasks, undoing }) : undefined
  return { ...base, prepared: new Map(), output, undo }
}

/** The result of a run that has succeeded. */
async function readOutput(
  store: Store,
  input: WorkflowInput,
  { tasks, expressions }: { tasks: ReadonlyMap<number, TaskHead>; expressions: NodeExpressions },
): Promise<WorkflowFacts['output']> {
  const { graph, workflow } = input
  if (workflow.output === undefined) return undefined
  const last = { named: nodesRead(graph, [expressions.value.get(workflow.output)]), before: new Set(graph.nodes.keys()) }
  const variables = (await readVariables(store, input, { tasks, reads: [last] }))(last)
  return outputOf(workflow, variables, expressions)
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

/** The nodes whose results are read, and those whose additions to the context are. */
interface Read {
  readonly named: readonly number[]
  readonly before: ReadonlySet<number>
}

/** Reads results and contexts of ended nodes: only those that are named, and those that have added to the context. */
async function readVariables(
  store: Store,
  { graph, payload, context }: WorkflowInput,
  { tasks, reads }: { tasks: ReadonlyMap<number, TaskHead>; reads: readonly Read[] },
): Promise<(read: Read) => NodeVariables> {
  const addedBy = ({ before }: Read) => [...before].filter((place) => tasks.get(place)?.contextBytes != null)
  const places = [...new Set(reads.flatMap((read) => [...read.named, ...addedBy(read)]))]
  const whole = new Map<string, TaskRecord>()
  for (const task of await store.tasks.get(places.flatMap((place) => tasks.get(place)?.id ?? []))) if (task) whole.set(task.id, task)
  const recordAt = (place: number) => whole.get(tasks.get(place)?.id ?? '')
  const parsed: unknown = JSON.parse(payload)
  return (read) => {
    const nodes = read.named.map((place) => {
      const task = recordAt(place)
      const state = task && isEnded(task.state) ? task.state : 'not_needed'
      return [nodeAt(graph, place).id, { state, result: task?.result == null ? null : JSON.parse(task.result) }] as const
    })
    const additions = addedBy(read).flatMap((place): Addition[] => {
      const task = recordAt(place)
      return task?.context == null ? [] : [{ place, endedAt: task.endedAt ?? 0, context: task.context }]
    })
    return { payload: parsed, context: mergeContext(graph, additions, context), nodes: Object.fromEntries(nodes) }
  }
}
