import {
  type CarillonError,
  type Failure,
  type Graph,
  isEnded,
  LIMITS,
  nodeOfTask,
  nodeTaskId,
  type Reason,
  type RunState,
  TIMES,
  undoStart,
  undoTaskId,
  type WorkflowNode,
} from '@carillon/contracts'
import type { LifeChange, RunHead, TaskHead, TaskNode, TaskRecord } from '@carillon/store'
import type { Decision } from '../../runs/rules/decision.ts'
import { CHECK_RUNNING_MS } from '../../runs/rules/life.ts'
import { whyCancelled } from '../../runs/rules/loss.ts'
import { taskOfRun } from '../../runs/rules/new-run.ts'
import { limitOfWait } from '../../runs/rules/waits-of-nodes.ts'
import type { Effect, Facts } from '../mode.ts'
import { countsOf } from '../rules/fan-in.ts'
import { ALL_OPEN, begun } from '../rules/go-on.ts'
import { childStep, type Waiting } from './rules/children.ts'
import { generationOf } from './rules/generations.ts'
import type { Prepared } from './rules/prepare-node.ts'
import { type NodeStatus, type Outcome, outcomeOf } from './rules/settle.ts'
import type { UndoState } from './rules/undo.ts'
import { begunWait, endedWait } from './rules/wait-node.ts'

export interface WorkflowFacts extends Facts {
  readonly graph: Graph
  readonly statuses: readonly NodeStatus[]
  /** Of nodes that have begun, in their current generation. */
  readonly tasks: ReadonlyMap<number, TaskHead>
  /** Tasks that wait for child runs. */
  readonly waiting: readonly Waiting[]
  /** Of nodes that are to start with a child run. */
  readonly children: ReadonlyMap<number, TaskNode>
  /** Of nodes that are to start. */
  readonly prepared: ReadonlyMap<number, Prepared>
  /** Of a run that has succeeded: its result as JSON text, or why there is none; undefined: its workflow says nothing about it. */
  readonly output: string | CarillonError | undefined
  /** Tasks that undo nodes, in their current generation. */
  readonly undos: ReadonlyMap<number, TaskHead>
  readonly undoing: UndoState
  /** The node that may be undone next, and what its task needs. */
  readonly undo: { readonly place: number; readonly prepared: Prepared } | undefined
}

/**
 * A workflow: nodes start when the edges that lead to them are decided, and the leaves decide how it ends. When it can only fail, or is cancelled, what its nodes
 * have done is undone first.
 */
export function planWorkflow(facts: WorkflowFacts): Effect[] {
  const { run, statuses, prepared } = facts
  if (isEnded(run.state)) return corrected(facts)
  if (run.state === 'queued') return run.compensation === 'again' ? [undoneAgain(run), begun(facts)] : [begun(facts)]
  if (run.state === 'cancelling' || facts.undos.size > 0 || run.compensation !== null) return undone(facts)
  const passed = waitsThatAreOver(facts)
  const tasks = [...prepared].map(([place, what]) => taskOf(facts, place, what))
  // A signal that came in time counts also when its time limit is noticed first.
  if (passed.length > 0)
    return [
      { do: 'take-signals', taskIds: forSignals(passed.map(({ task }) => task)), isLast: true },
      { do: 'change', changes: passed },
    ]
  const follows = [...takenSignals(facts, tasks), ...published(facts, tasks), ...freed(facts, tasks), ...settledChildren(facts, tasks)]
  const checked = checkedAgain(facts, tasks)
  const isPart = statuses.filter((status) => status === 'ready').length > tasks.length
  if (tasks.length > 0) return [...checked, { do: 'insert', tasks, isPart }, ...follows]
  // It rests when what is there for its waits was taken: should this coordinator die before, it is reconciled soon.
  if (follows.length > 0) return isResting(checked) ? [...follows, ...checked] : [...checked, ...follows]
  const outcome = outcomeOf(facts.graph, statuses)
  if (!outcome) return checked
  return outcome === 'failed' || outcome === 'cancelled' || typeof facts.output === 'object' ? undone(facts) : [ended(facts, outcome)]
}

const forSignals = (tasks: readonly TaskHead[]) =>
  tasks.flatMap(({ id, state, reason }) => (state === 'delayed' && (reason === 'signal' || reason === 'approval') ? [id] : []))

function takenSignals({ tasks }: WorkflowFacts, begun: readonly TaskRecord[]): Effect[] {
  const taskIds = forSignals([...tasks.values(), ...begun])
  return taskIds.length > 0 ? [{ do: 'take-signals', taskIds, isLast: false }] : []
}

function published({ graph, tasks, now }: WorkflowFacts, begun: readonly TaskRecord[]): Effect[] {
  const isDue = ({ id, state, wakeAt }: TaskHead) => {
    const node = graph.nodes[nodeOfTask(id)?.place ?? -1]
    return node !== undefined && 'publish' in node && state === 'delayed' && wakeAt !== null && wakeAt <= now
  }
  const due = [...tasks.values(), ...begun].filter(isDue)
  return due.length > 0 ? [{ do: 'publish', taskIds: due.map(({ id }) => id) }] : []
}

/** Tasks with routing, and those that are to run again. */
function freed({ tasks }: WorkflowFacts, begun: readonly TaskRecord[]): Effect[] {
  const isHeld = [...tasks.values(), ...begun].some(({ state }) => state === 'waiting')
  return isHeld ? [{ do: 'free', tasks: { states: ['waiting'] } }] : []
}

/** A task is stored before its child run is. */
function settledChildren({ waiting }: WorkflowFacts, begun: readonly TaskRecord[]): Effect[] {
  const due = waiting.filter((one) => childStep(one) !== undefined).map(({ task }) => task)
  return settled([...due, ...begun.filter(({ node }) => node?.child !== undefined)])
}

const settled = (tasks: readonly TaskHead[]): Effect[] => (tasks.length === 0 ? [] : [{ do: 'settle-children', tasks }])

/** A run of which nothing is open but waits is checked once a day, so a hundred thousand of them cost nothing: the end of a wait is found by its task. */
const AT_REST_MS = 86_400_000
/** Before something that is to end begins, and while it is open, the run is checked as any other. */
export const isAtRest = ({ wakeAt }: Pick<RunHead, 'wakeAt'>, now: number): boolean => wakeAt === null || wakeAt > now + CHECK_RUNNING_MS

function checkedAgain({ run, tasks, now }: WorkflowFacts, begun: readonly TaskRecord[]): Effect[] {
  const isWaiting = [...tasks.values(), ...begun].every((task) => isEnded(task.state) || isWait(task))
  if (!isWaiting) return isAtRest(run, now) ? [{ do: 'check-again', afterMs: TIMES.ackWaitMs }] : []
  const isDue = run.wakeAt !== null && run.wakeAt <= now && begun.length === 0
  return isDue ? [{ do: 'check-again', afterMs: AT_REST_MS }] : []
}

const isResting = ([effect]: readonly Effect[]) => effect?.do === 'check-again' && effect.afterMs === AT_REST_MS

/** Whether it is the task of a node that waits: nothing runs it. */
const isWait = ({ state, node }: TaskHead) => state === 'delayed' && node?.own === undefined

function ended(facts: WorkflowFacts, outcome: Outcome): Effect {
  const { run, now, output } = facts
  const end = endOf(facts, outcome)
  const set = { ...end, endedAt: now, wakeAt: null, queuedAt: null }
  // Another outcome than that of its tasks: what it is asked to answer cannot be computed.
  const failed = { state: 'failed', reason: 'invalid-result', error: typeof output === 'object' ? refusalOf(output) : null } as const
  const base = end.state === 'succeeded' && typeof output === 'object' ? { ...set, ...failed } : set
  const decided = { ...base, ...compensationOfEnd(facts, base) }
  const result = typeof output === 'string' && decided.state === 'succeeded' ? { result: output } : {}
  return {
    do: 'decide',
    decision: { event: decided.state, expect: { state: ['running', 'cancelling'], attempt: run.attempt }, set: { ...decided, ...result } },
  }
}

/** What the end says about the nodes that were to be undone. A run of which one could not be undone has failed, however it came to be undone. */
function compensationOfEnd(
  facts: WorkflowFacts,
  { state, error }: { state: RunState; error: Failure | null },
): Pick<LifeChange['set'], 'compensation' | 'error'> & { state?: 'failed'; reason?: Reason } {
  const { graph, undoing, undos, run } = facts
  const { done, failed, left } = undoing
  if (state === 'succeeded' || done.length + failed.length + left.length === 0)
    return run.compensation === null ? {} : { compensation: null }
  const inReverse = graph.order.toReversed().filter((place) => done.includes(place))
  const byEnd = inReverse.toSorted((one, other) => (undos.get(one)?.endedAt ?? 0) - (undos.get(other)?.endedAt ?? 0))
  const undone = done.length > 0 ? [`undone: ${namesOf(graph, byEnd)}`] : []
  const before = error ? [error.message] : []
  if (failed.length + left.length === 0)
    return { compensation: 'complete', ...(error ? { error: { ...error, message: [...before, ...undone].join('; ') } } : {}) }
  const why = failed.map((place) => `node ${idAt(graph, place)} could not be undone: ${messageOf(undos.get(place))}`)
  const rest = left.length > 0 ? [`not undone: ${namesOf(graph, left)}`] : []
  return {
    compensation: 'incomplete',
    ...(run.compensation === 'cut' ? {} : { state: 'failed', reason: 'compensation-failed' }),
    error: { name: 'CompensationIncomplete', message: [...before, ...why, ...rest, ...undone].join('; ') },
  }
}

/** Of an ended run tasks were found that a late coordinator has inserted: an instance may have begun them, and nothing of that is undone. */
function corrected(facts: WorkflowFacts): Effect[] {
  const { run, undoing } = facts
  if ((run.state !== 'cancelled' && run.state !== 'failed') || run.compensation === 'incomplete' || undoing.left.length === 0) return []
  const { state: _state, reason: _reason, ...set } = compensationOfEnd(facts, run)
  return [{ do: 'correct', set }]
}

const idAt = ({ nodes }: Graph, place: number) => nodes[place]?.id
const messageOf = (task: TaskHead | undefined) => task?.error?.message ?? task?.state
const namesOf = (graph: Graph, places: readonly number[]) =>
  `${places
    .slice(0, NAMED)
    .map((place) => idAt(graph, place))
    .join(', ')}${places.length > NAMED ? ` and ${places.length - NAMED} more` : ''}`

/** Nodes that an error names. */
const NAMED = 10

const refusalOf = ({ code, message }: CarillonError): Failure => ({ name: code, message })

function endOf({ tasks, graph, statuses, run, undoing }: WorkflowFacts, outcome: Outcome) {
  const counts = countsOf([...tasks.values()].map(({ state }) => ({ state, count: 1 })))
  const result = JSON.stringify({ tasks: counts, ...(undoing.done.length > 0 ? { compensated: undoing.done.length } : {}) })
  if (outcome === 'succeeded') return { state: 'succeeded', reason: 'completed', result, error: null } as const
  if (outcome === 'nothing-to-do') return { state: 'succeeded', reason: 'nothing-to-do', result, error: null } as const
  if (outcome === 'failed') return { state: 'failed', reason: 'tasks-failed', result, error: failureOf(graph, statuses, tasks) } as const
  const reason = run.state === 'cancelling' ? whyCancelled(run) : 'tasks-cancelled'
  return { state: 'cancelled', reason, result, error: null } as const
}

function failureOf(graph: Graph, statuses: readonly NodeStatus[], tasks: ReadonlyMap<number, TaskHead>) {
  const { nodes } = graph
  const failed = nodes.flatMap(({ id }, place) => (statuses[place] === 'failed' ? [`node ${id}: ${messageOf(tasks.get(place))}`] : []))
  const blocked = nodes.flatMap((_, place) => (statuses[place] === 'blocked' ? [place] : []))
  const rest = blocked.length > 0 ? `; not started: ${namesOf(graph, blocked)}` : ''
  return {
    name: 'NodesFailed',
    message: `${failed.slice(0, 3).join('; ')}${failed.length > 3 ? ` and ${failed.length - 3} more` : ''}${rest}`,
  }
}

/** Waits for a time that has come. */
function waitsThatAreOver({ graph, tasks, now }: WorkflowFacts): { task: TaskHead; decision: Decision }[] {
  return [...tasks].flatMap(([place, task]) => {
    const node = graph.nodes[place] as WorkflowNode
    const until = limitOfWait(task)
    if (!('wait' in node) || task.state !== 'delayed' || until === null || until > now) return []
    return [{ task, decision: endedWait(task, now) }]
  })
}

function taskOf(facts: WorkflowFacts, place: number, prepared: Prepared): TaskRecord {
  const { run, graph, now } = facts
  const node = graph.nodes[place] as WorkflowNode
  const id = nodeTaskId(run.id, place, generationOf(run, place))
  const task: TaskRecord = { ...taskOfRun(run, { id, name: node.id, index: place, total: graph.nodes.length }), node: {} }
  const endedNow = { startedAt: now, endedAt: now } as const
  switch (prepared.kind) {
    case 'failed': {
      const { code, message } = prepared.error
      const error = { name: code, message: message.slice(0, LIMITS.errorTextBytes) }
      return { ...task, ...endedNow, state: 'failed', reason: 'not-startable', error }
    }
    case 'decided': {
      const { branch, to, why } = prepared
      return { ...task, ...endedNow, state: 'succeeded', reason: 'completed', node: { branch }, result: JSON.stringify({ to, why }) }
    }
    case 'wait':
      return { ...task, ...begunWait({ id: node.id, wait: prepared.wait }, now) }
    case 'publish':
      return { ...task, state: 'delayed', reason: 'delay', wakeAt: now, startedAt: now, item: prepared.item }
    case 'done':
      return { ...task, ...endedNow, state: 'succeeded', reason: 'completed', result: prepared.result }
    case 'child':
      return { ...task, state: 'running', startedAt: now, item: prepared.item, node: facts.children.get(place) ?? {} }
    default: {
      const { item, own } = prepared
      const begun = (own.routing ?? run.routing) === null ? ({ state: 'queued', queuedAt: now } as const) : {}
      return { ...task, ...begun, item, node: { own }, attempts: own.tries ?? run.tries }
    }
  }
}

/** What did not succeed when it was to be undone. */
const undoneAgain = (run: RunHead): Effect => ({
  do: 'reopen',
  tasks: { states: ['failed', 'timed_out', 'cancelled'], from: undoStart(run.id) },
})

/**
 * The run succeeds no more: when nothing of it is under way, its nodes are undone one by one. Where a task that undoes one has begun, no node starts any more,
 * whatever becomes of others. It ends when all are undone, or one cannot be.
 */
function undone(facts: WorkflowFacts): Effect[] {
  const { run, statuses, undoing, undo, undos, waiting, now } = facts
  if (statuses.includes('under-way'))
    return [{ do: 'cancel', tasks: { ...ALL_OPEN, before: undoStart(run.id) } }, ...settled(waiting.map(({ task }) => task))]
  const set = { from: undoStart(run.id) }
  if (undoing.underWay.length > 0) {
    if (run.compensation === 'cut') return [{ do: 'cancel', tasks: { ...ALL_OPEN, ...set } }]
    return [...undos.values()].some(isHeldUndo) ? [{ do: 'free', tasks: { states: HELD, ...set } }] : []
  }
  if (!undo || run.compensation === 'cut') return [ended(facts, outcomeOfUndone(facts))]
  const task = undoTaskOf(facts, undo)
  const isHeld: Effect[] = task.state === 'waiting' ? [{ do: 'free', tasks: { states: ['waiting'], ...set } }] : []
  const checked: Effect[] = isAtRest(run, now) ? [{ do: 'check-again', afterMs: TIMES.ackWaitMs }] : []
  return [...compensating(run), ...checked, { do: 'insert', tasks: [task] }, ...isHeld]
}

/** One with routing waits, and one of a run that was paused and then cancelled is paused. */
const HELD = ['waiting', 'paused'] as const satisfies RunState[]
const isHeldUndo = ({ state }: TaskHead) => state === 'waiting' || state === 'paused'

/** A run that is being cancelled keeps the reason of that. */
function compensating(run: RunHead): Effect[] {
  if (run.state !== 'running' || run.reason === 'compensating') return []
  const expect = { state: ['running'], attempt: run.attempt } as const
  return [{ do: 'decide', decision: { event: 'checked', expect, set: { reason: 'compensating' } } }]
}

/** A node that counts as succeeded since its followers are being undone does not make the run succeed. */
function outcomeOfUndone({ run, graph, statuses, output }: WorkflowFacts): Outcome {
  if (run.state === 'cancelling') return 'cancelled'
  const outcome = outcomeOf(graph, statuses)
  if (typeof output === 'object' && (outcome === 'succeeded' || outcome === 'nothing-to-do')) return outcome
  return outcome === 'failed' ? outcome : 'cancelled'
}

function undoTaskOf(facts: WorkflowFacts, { place, prepared }: NonNullable<WorkflowFacts['undo']>): TaskRecord {
  const id = undoTaskId(facts.run.id, place, generationOf(facts.run, place))
  return { ...taskOf(facts, place, prepared), id }
}
