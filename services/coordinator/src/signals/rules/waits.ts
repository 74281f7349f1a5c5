import { approvalSignalSchema, nodeOfTask } from '@carillon/contracts'
import type { SignalRecord, StepRecord, TaskHead, TaskLife } from '@carillon/store'
import type { Decision } from '../../runs/rules/decision.ts'
import { type Approval, decideApproval, limitOfWait } from '../../runs/rules/waits-of-nodes.ts'
import { receivedOf, stepIdOf } from '../../steps/rules/journal.ts'

/** A step that waits for a signal. */
export interface WaitingStep {
  readonly taskId: string
  readonly index: number
  readonly epoch: number
  /** Of the signal. */
  readonly name: string
}

/** A signal whose coordinator has died before what waits for it went on is brought together with it after this. */
export const VERIFY_AFTER_MS = 5_000
/** The outcome is the second try of its step: whichever is inserted first decides. */
const OUTCOME_TRY = 2

/** What takes a signal: the step without its try. */
export const takerOf = ({ taskId, index, epoch }: Omit<WaitingStep, 'name'>): string => stepIdOf({ taskId, index, epoch })
/** The ids of the records of a step: that it waits, and what became of it. */
export const recordsOf = (wait: WaitingStep): [waiting: string, outcome: string] => [stepIdOf(wait, 1), stepIdOf(wait, OUTCOME_TRY)]

/** The task that has taken a signal: of a step its own, and a node's task itself. */
export const taskOfTaker = (taker: string): string => taker.split('.')[0] as string
/** The step that has taken a signal; undefined: a node's task has. @param name of the signal */
export function stepOfTaker(taker: string, name: string): WaitingStep | undefined {
  const [taskId = '', index, epoch] = taker.split('.')
  return index === undefined ? undefined : { taskId, index: Number(index), epoch: Number(epoch), name }
}

/** What a life waits for, in the order of its steps; of several steps that wait for the same the first, which takes the next signal. */
export function waitsOf({
  id,
  state,
  reason,
  resume,
  waits,
}: Pick<TaskLife, 'state' | 'reason' | 'resume' | 'waits'> & { id: string }): WaitingStep[] {
  if (state !== 'delayed' || reason !== 'signal' || waits === null) return []
  const signals = waits.filter(({ child }) => child === undefined)
  const first = signals.filter(({ signal }, i) => signals.findIndex((other) => other.signal === signal) === i)
  return first.map(({ step, signal }) => ({
    taskId: id,
    index: step,
    epoch: resume && step >= resume.step ? resume.epoch : 0,
    name: signal,
  }))
}

/** The child runs that a life waits for. */
export const childrenOf = ({ state, reason, waits }: Pick<TaskLife, 'state' | 'reason' | 'waits'>): string[] =>
  state === 'delayed' && reason === 'signal' ? (waits ?? []).flatMap(({ child }) => child ?? []) : []

/** When a signal that counts may have come; null: at any time. */
export interface Window {
  readonly from: number | null
  readonly until: number | null
}
export const isInTime = ({ at }: SignalRecord, { from, until }: Window): boolean =>
  (from === null || at >= from) && (until === null || at <= until)

/** An approval is of one generation of its node: what came before that was begun again has been about an earlier one. */
export const windowOf = (task: TaskHead): Window => ({
  from: task.reason === 'approval' && (nodeOfTask(task.id)?.generation ?? 1) > 1 ? task.startedAt : null,
  until: limitOfWait(task),
})

/** What a signal says about an approval. One that cannot be read rejects: what follows an approval must not run without one. */
function approvalIn({ payload, by }: SignalRecord): Approval {
  const said = approvalSignalSchema.safeParse(JSON.parse(payload))
  const sender = by === null ? {} : { by }
  if (said.success) return { ...sender, ...said.data, decision: said.data?.decision ?? 'approved' }
  const [issue] = said.error.issues
  return {
    decision: 'rejected',
    ...sender,
    note: `the signal is no decision: ${['payload', ...(issue?.path ?? [])].join('.')}: ${issue?.message}`,
  }
}

/** The task of a node has its signal. */
export function receivedBy(task: TaskHead, signal: SignalRecord, now: number): Decision {
  if (task.reason === 'approval') return decideApproval(task, approvalIn(signal), { now, signal: signal.id })
  const { id, payload, by } = signal
  const ended = { state: 'succeeded', reason: 'completed', result: payload, endedAt: now, wakeAt: null } as const
  const node = { ...task.node, signal: id, ...(by === null ? {} : { by }) }
  return { event: 'resolved', expect: { state: ['delayed'], attempt: task.attempt }, set: { ...ended, node } }
}

/** The record of the outcome of a wait. @param signal undefined: none came in time */
export function outcomeOf(waiting: StepRecord, signal: SignalRecord | undefined, now: number): StepRecord {
  const [, id] = recordsOf(waiting)
  const common = { ...waiting, id, try: OUTCOME_TRY, until: null, at: now }
  if (!signal) return { ...common, state: 'timed_out' }
  const by = signal.by === null ? '' : `"by":${JSON.stringify(signal.by)},`
  return { ...common, state: 'received', result: `{"signalId":"${signal.id}",${by}"payload":${signal.payload}}` }
}

/** The signal that a recorded outcome has taken. */
export function signalOf(outcome: StepRecord | undefined): string | undefined {
  return outcome?.state === 'received' ? receivedOf(outcome).signalId : undefined
}
