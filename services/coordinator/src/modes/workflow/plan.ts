import {
  type CarillonError,
  type Failure,
  type Graph,
  isEnded,
  LIMITS,
  nodeOfTask,
  nodeTaskId,
  TIMES,
  type WorkflowNode,
} from '@carillon/contracts'
import type { RunHead, TaskHead, TaskRecord } from '@carillon/store'
import type { Decision } from '../../runs/rules/decision.ts'
import { CHECK_RUNNING_MS } from '../../runs/rules/life.ts'
import { whyCancelled } from '../../runs/rules/loss.ts'
import { taskOfRun } from '../../runs/rules/new-run.ts'
import type { Effect, Facts } from '../mode.ts'
import { countsOf } from '../rules/fan-in.ts'
import { ALL_OPEN, begun } from '../rules/go-on.ts'
import type { Prepared } from './rules/prepare-node.ts'
import { type NodeStatus, type Outcome, outcomeOf } from './rules/settle.ts'
import { begunWait, endedWait } from './rules/wait-node.ts'

export interface WorkflowFacts extends Facts {
  readonly graph: Graph
  readonly statuses: readonly NodeStatus[]
  /** Of nodes that have begun, in their current generation. */
  readonly tasks: ReadonlyMap<number, TaskHead>
  /** Of nodes that are to start. */
  readonly prepared: ReadonlyMap<number, Prepared>
  /** Of a run that has succeeded: its result as JSON text, or why there is none; undefined: its workflow says nothing about it. */
  readonly output: string | CarillonError | undefined
}

/** A workflow: nodes start when the edges that lead to them are decided, and the leaves decide how it ends. */
export function planWorkflow(facts: WorkflowFacts): Effect[] {
  const { run, statuses, prepared } = facts
  if (run.state === 'queued') return [begun(facts)]
  if (run.state === 'cancelling') return statuses.includes('under-way') ? [{ do: 'cancel', tasks: ALL_OPEN }] : [ended(facts, 'cancelled')]
  const passed = waitsThatAreOver(facts)
  const tasks = [...prepared].map(([place, what]) => taskOf(facts, place, what))
  // A signal that came in time counts also when its time limit is noticed first.
  if (passed.length > 0)
    return [
      { do: 'take-signals', taskIds: forSignals(passed.map(({ task }) => task)), isLast: true },
      { do: 'change', changes: passed },
    ]
  const waiting = forSignals([...facts.tasks.values(), ...tasks])
  const settled: Effect[] = waiting.length > 0 ? [{ do: 'take-signals', taskIds: waiting, isLast: false }] : []
  // Tasks with routing, and those that are to run again.
  const isHeld = [...facts.tasks.values(), ...tasks].some(({ state }) => state === 'waiting')
  const freed: Effect[] = isHeld ? [{ do: 'free', tasks: { states: ['waiting'] } }] : []
  const checked = checkedAgain(facts, tasks)
  if (tasks.length > 0) return [...checked, { do: 'insert', tasks }, ...settled, ...freed]
  if (isHeld || waiting.length > 0) return [...checked, ...settled, ...freed]
  const outcome = outcomeOf(facts.graph, statuses)
  return outcome ? [ended(facts, outcome)] : checked
}

const forSignals = (tasks: readonly TaskHead[]) =>
  tasks.flatMap(({ id, state, reason }) => (state === 'delayed' && reason === 'signal' ? [id] : []))

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

/** How often a node has been begun. */
export const generationOf = ({ generations }: Pick<RunHead, 'generations'>, place: number): number => generations?.[place] ?? 1

/** Whether it is a task of a handler that counts: of a workflow one of the current generation. */
export function isWork(run: RunHead, { id, node }: Pick<TaskHead, 'id' | 'node'>): boolean {
  if (node === null) return true
  const at = nodeOfTask(id)
  return node.own !== undefined && at !== undefined && at.generation === generationOf(run, at.place)
}

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
    default: {
      const { item, own } = prepared
      const begun = (own.routing ?? run.routing) === null ? ({ state: 'queued', queuedAt: now } as const) : {}
      return { ...task, ...begun, item, node: { own }, attempts: own.tries ?? run.tries }
    }
  }
}
