import { compensationOf, undoneByTask, type WorkflowNode } from '@carillon/contracts'
import type { RunRecord, TaskRecord } from '@carillon/store'
import type { History } from './history.ts'
import type { RandomWorkflow } from './made-workflow.ts'
import type { ChildRun } from './script-of.ts'

/** A run that should have ended, and what has happened to it. */
export interface Ended {
  readonly run: RunRecord
  readonly tasks: readonly TaskRecord[]
  readonly made: RandomWorkflow
  /** Runs within it, by their ids. */
  readonly children: ReadonlyMap<string, ChildRun>
  readonly history: History
  /** What instances were given, by the id of the task. */
  readonly given: ReadonlyMap<string, { readonly payload: unknown; readonly context: unknown }>
}

/** A run with the tasks of its nodes, of the current generation. */
interface Judged extends Ended {
  readonly current: ReadonlyMap<string, TaskRecord>
  readonly ancestors: ReadonlyMap<string, ReadonlySet<string>>
}

const LOST = ['instance-lost', 'hung', 'poison']

/** What is wrong with how the nodes of a run were undone, by the rules of docs/WORKFLOWS.md. */
export function* judgeUndo(judged: Judged): Generator<string> {
  const { run, made, current } = judged
  const undos = undosOf(judged)
  if (run.state === 'succeeded') {
    if (undos.length > 0) yield `node ${undos[0]?.node} was undone, and the run has succeeded`
    return
  }
  const wanted = made.workflow.nodes.filter((node) => isToUndo(node, current.get(node.id))).map(({ id }) => id)
  for (const { node } of undos) if (!wanted.includes(node)) yield `node ${node} was undone, and has nothing to be undone`
  const failed = undos.filter(({ task }) => task.state !== 'succeeded')
  const left = wanted.filter((id) => !undos.some(({ node }) => node === id))
  const isWhole = failed.length + left.length === 0
  const expected = wanted.length === 0 ? null : isWhole ? 'complete' : 'incomplete'
  if (run.compensation !== expected) yield `the compensation is ${run.compensation}, and had to be ${expected}`
  const isCut = run.state === 'cancelled' && run.compensation === 'incomplete'
  if (left.length > 0 && failed.length === 0 && !isCut) yield `node ${left[0]} was not undone`
  if (!isCut) for (const undo of failed) yield* failure(judged, undo)
  yield* order(judged, { undos, wanted })
  for (const undo of undos) yield* input(judged, undo)
}

interface Undo {
  readonly node: string
  readonly task: TaskRecord
  readonly createdAt: number
  readonly endedAt: number
}

/** In the order in which they were begun. */
function undosOf({ run, tasks, made, history }: Judged): Undo[] {
  const undos = tasks.flatMap((task): Undo[] => {
    const undone = undoneByTask(task.id)
    if (!undone || (run.generations?.[undone.place] ?? 1) !== undone.generation) return []
    const node = made.workflow.nodes[undone.place]?.id ?? ''
    return [{ node, task, createdAt: history.created.get(task.id)?.at ?? 0, endedAt: history.ended.get(task.id)?.at ?? 0 }]
  })
  return undos.sort((one, other) => one.createdAt - other.createdAt)
}

function isToUndo(node: WorkflowNode, task: TaskRecord | undefined): boolean {
  const compensation = compensationOf(node)
  if (!task || !compensation) return false
  if (task.state === 'succeeded') return true
  const { state, reason } = task
  return (
    compensation.unknown === true && (state === 'timed_out' || state === 'cancelled' || (state === 'failed' && LOST.includes(reason ?? '')))
  )
}

function* failure({ made }: Judged, { node, task }: Undo): Generator<string> {
  const succeedsAt = made.undos.get(node) ?? 1
  if (task.state !== 'failed') yield `what undoes node ${node} is ${task.state}`
  else if (task.reason !== 'poison' && task.attempt >= succeedsAt) yield `what undoes node ${node} has failed, and had to succeed`
}

/** One after the other, when nothing of the run is under way: of those after which nothing is left the one that ended last. */
function* order(
  { current, ancestors, history }: Judged,
  { undos, wanted }: { undos: readonly Undo[]; wanted: readonly string[] },
): Generator<string> {
  const endOf = (id: string) => history.ended.get(current.get(id)?.id ?? '')?.at ?? 0
  const left = new Set(wanted)
  const seen = new Set<string>()
  for (const [i, { node, createdAt, task }] of undos.entries()) {
    if (seen.has(node)) yield `node ${node} was undone twice`
    seen.add(node)
    const before = undos[i - 1]
    if (before && before.endedAt > createdAt) yield `node ${node} was undone while ${before.node} was`
    if (before && before.task.state !== 'succeeded') yield `node ${node} was undone after ${before.node} could not be`
    const plannedAt = history.created.get(task.id)?.plannedAt ?? 0
    for (const [id, one] of current) {
      const begun = history.created.get(one.id)
      // Its coordinator did not know yet that nodes are undone: it is cancelled.
      const isLate = begun !== undefined && (begun.plannedAt >= plannedAt || begun.at > createdAt)
      if (endOf(id) > createdAt && !isLate) yield `node ${node} was undone while ${id} was under way`
    }
    const known = [...left].filter((id) => id !== node && endOf(id) < createdAt)
    const later = known.find((id) => ancestors.get(id)?.has(node))
    if (later) yield `node ${node} was undone before ${later}, which came after it`
    const isFree = (id: string) => !known.some((other) => ancestors.get(other)?.has(id)) && !ancestors.get(node)?.has(id)
    const endedAt = (id: string) => current.get(id)?.endedAt ?? 0
    const last = known.find((id) => isFree(id) && endedAt(id) > endedAt(node))
    if (last) yield `node ${node} was undone before ${last}, which ended later`
    left.delete(node)
  }
}

function* input({ made, current, given }: Judged, { node, task }: Undo): Generator<string> {
  const of = current.get(node)
  const seen = given.get(task.id)?.payload as Record<string, unknown> | undefined
  if (!of || !seen) return
  const outcome = of.state === 'succeeded' ? 'succeeded' : 'unknown'
  const before = given.get(of.id)
  // One that was cancelled before an instance had it.
  if (!before && made.values.size > 0) return
  const payload = before?.payload ?? made.payload
  const result = of.state === 'succeeded' ? JSON.parse(of.result ?? 'null') : null
  const expected = { node, outcome, payload, result }
  const [one, other] = [seen, expected].map((value) => JSON.stringify([value['node'], value['outcome'], value['payload'], value['result']]))
  if (one !== other) yield `what undoes node ${node} was given ${one}, and had to be given ${other}`
}
