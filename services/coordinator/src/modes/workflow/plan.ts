import { type CarillonError, type Failure, type Graph, isEnded, LIMITS, nodeTaskId, TIMES, type WorkflowNode } from '@carillon/contracts'
import type { RunHead, TaskHead, TaskNode, TaskRecord } from '@carillon/store'
import type { Decision } from '../../runs/rules/decision.ts'
import { CHECK_RUNNING_MS } from '../../runs/rules/life.ts'
import { whyCancelled } from '../../runs/rules/loss.ts'
import { taskOfRun } from '../../runs/rules/new-run.ts'
import type { Effect, Facts } from '../mode.ts'
import { countsOf } from '../rules/fan-in.ts'
import { ALL_OPEN, begun } from '../rules/go-on.ts'
import { childStep, type Waiting } from './rules/children.ts'
import { generationOf } from './rules/generations.ts'
import type { Prepared } from './rules/prepare-node.ts'
import { type NodeStatus, type Outcome, outcomeOf } from './rules/settle.ts'
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
}

/** A workflow: nodes start when the edges that lead to them are decided, and the leaves decide how it ends. */
export function planWorkflow(facts: WorkflowFacts): Effect[] {
  const { run, statuses, prepared } = facts
  if (run.state === 'queued') return [begun(facts)]
  if (run.state === 'cancelling') {
    if (!statuses.includes('under-way')) return [ended(facts, 'cancelled')]
    return [{ do: 'cancel', tasks: ALL_OPEN }, ...settled(facts.waiting.map(({ task }) => task))]
  }
  const passed = waitsThatAreOver(facts)
  const tasks = [...prepared].map(([place, what]) => taskOf(facts, place, what))
  // A signal that came in time counts also when its time limit is noticed first.
  if (passed.length > 0)
    return [
      { do: 'take-signals', taskIds: forSignals(passed.map(({ task }) => task)), isLast: true },
      { do: 'change', changes: passed },
    ]
  const follows = [...takenSignals(facts, tasks), ...freed(facts, tasks), ...settledChildren(facts, tasks)]
  const checked = checkedAgain(facts, tasks)
  if (tasks.length > 0) return [...checked, { do: 'insert', tasks }, ...follows]
  if (follows.length > 0) return [...checked, ...follows]
  const outcome = outcomeOf(facts.graph, statuses)
  return outcome ? [ended(facts, outcome)] : checked
}

const forSignals = (tasks: readonly TaskHead[]) =>
  tasks.flatMap(({ id, state, reason }) => (state === 'delayed' && reason === 'signal' ? [id] : []))

function takenSignals({ tasks }: WorkflowFacts, begun: readonly TaskRecord[]): Effect[] {
  const taskIds = forSignals([...tasks.values(), ...begun])
  return taskIds.length > 0 ? [{ do: 'take-signals', taskIds, isLast: false }] : []
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

/** Whether it is the task of a node that waits: nothing runs it. */
const isWait = ({ state, node }: TaskHead) => state === 'delayed' && node?.own === undefined

function ended(facts: WorkflowFacts, outcome: Outcome): Effect {
  const { run, now, output } = facts
  const end = endOf(facts, outcome)
  const set = { ...end, endedAt: now, wakeAt: null, queuedAt: null }
  // Another outcome than that of its tasks: what it is asked to answer cannot be computed.
  const failed = { state: 'failed', reason: 'invalid-result', error: typeof output === 'object' ? refusalOf(output) : null } as const
  const decided = end.state === 'succeeded' && typeof output === 'object' ? { ...set, ...failed } : set
  const result = typeof output === 'string' && decided.state === 'succeeded' ? { result: output } : {}
  return {
    do: 'decide',
    decision: { event: decided.state, expect: { state: ['running', 'cancelling'], attempt: run.attempt }, set: { ...decided, ...result } },
  }
}

const refusalOf = ({ code, message }: CarillonError): Failure => ({ name: code, message })

function endOf({ tasks, graph, statuses, run }: WorkflowFacts, outcome: Outcome) {
  const result = JSON.stringify({ tasks: countsOf([...tasks.values()].map(({ state }) => ({ state, count: 1 }))) })
  if (outcome === 'succeeded') return { state: 'succeeded', reason: 'completed', result, error: null } as const
  if (outcome === 'nothing-to-do') return { state: 'succeeded', reason: 'nothing-to-do', result, error: null } as const
  if (outcome === 'failed') return { state: 'failed', reason: 'tasks-failed', result, error: failureOf(graph, statuses, tasks) } as const
  const reason = run.state === 'cancelling' ? whyCancelled(run) : 'tasks-cancelled'
  return { state: 'cancelled', reason, result, error: null } as const
}

function failureOf({ nodes }: Graph, statuses: readonly NodeStatus[], tasks: ReadonlyMap<number, TaskHead>) {
  const failed = nodes.flatMap(({ id }, place) =>
    statuses[place] === 'failed' ? [`node ${id}: ${tasks.get(place)?.error?.message ?? tasks.get(place)?.state}`] : [],
  )
  const blocked = nodes.flatMap(({ id }, place) => (statuses[place] === 'blocked' ? [id] : []))
  const rest =
    blocked.length > 0
      ? `; not started: ${blocked.slice(0, 10).join(', ')}${blocked.length > 10 ? ` and ${blocked.length - 10} more` : ''}`
      : ''
  return {
    name: 'NodesFailed',
    message: `${failed.slice(0, 3).join('; ')}${failed.length > 3 ? ` and ${failed.length - 3} more` : ''}${rest}`,
  }
}

/** Waits for a time that has come. */
function waitsThatAreOver({ graph, tasks, now }: WorkflowFacts): { task: TaskHead; decision: Decision }[] {
  return [...tasks].flatMap(([place, task]) => {
    const node = graph.nodes[place] as WorkflowNode
    if (!('wait' in node) || task.state !== 'delayed' || task.wakeAt === null || task.wakeAt > now) return []
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
      return { ...task, ...begunWait(prepared.wait, now) }
    case 'child':
      return { ...task, state: 'running', startedAt: now, item: prepared.item, node: facts.children.get(place) ?? {} }
    default: {
      const { item, own } = prepared
      const begun = (own.routing ?? run.routing) === null ? ({ state: 'queued', queuedAt: now } as const) : {}
      return { ...task, ...begun, item, node: { own }, attempts: own.tries ?? run.tries }
    }
  }
}
