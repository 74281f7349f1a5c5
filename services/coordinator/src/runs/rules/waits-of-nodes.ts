import { isEnded, type NodeDecided, TIMES } from '@carillon/contracts'
import type { RunHead, TaskHead } from '@carillon/store'
import type { Decision } from './decision.ts'

/** Whether it is the task of a node of a workflow that waits, or has waited: nothing runs it. */
export const isWaitNode = ({ node }: Pick<TaskHead, 'node'>): boolean => node !== null && node.own === undefined

/** Whether it waits for a signal or an approval for as long as it takes. */
export const hasNoLimit = ({ node, reason, delayMs }: Pick<TaskHead, 'node' | 'reason' | 'delayMs'>): boolean =>
  isWaitNode({ node }) && (reason === 'signal' || reason === 'approval') && delayMs === null

/** Until when it waits; null: for as long as it takes. While its run is paused its time stands still, unless it was over by then. */
export function limitOfWait(task: Pick<TaskHead, 'node' | 'reason' | 'delayMs' | 'wakeAt'>): number | null {
  if (hasNoLimit(task)) return null
  const { frozen } = task.node ?? {}
  return frozen && frozen.wakeAt < frozen.at ? frozen.wakeAt : task.wakeAt
}

/**
 * A run of which nothing is open but waits has no check of its own that is due soon. So a wait that ends keeps a `wakeAt`, in the same write: should its coordinator die before the
 * run goes on, it goes on then.
 */
export function endOfWait({ run, task }: { run: RunHead; task: TaskHead }, decision: Decision, now: number): Decision {
  const { state } = decision.set
  const ends = state !== undefined && isEnded(state) && task.state === 'delayed'
  if (!ends || run.mode !== 'workflow' || run.state !== 'running' || !isWaitNode(task)) return decision
  return { ...decision, set: { ...decision.set, wakeAt: now + TIMES.ackWaitMs } }
}

/** What someone has said about a node that waits for an approval. */
export interface Approval {
  readonly decision: NodeDecided['decision']
  readonly by?: string | undefined
  readonly note?: string | undefined
}

/** Ends the task of a node that waits for an approval. @param signal the id of the signal that has said it */
export function decideApproval(
  task: TaskHead,
  { decision, by, note }: Approval,
  { now, signal }: { now: number; signal?: string },
): Decision {
  const expect = { state: ['delayed'], attempt: task.attempt } as const
  const who = { ...(by === undefined ? {} : { by }), ...(note === undefined ? {} : { note }) }
  const ended = {
    endedAt: now,
    wakeAt: null,
    node: { ...task.node, ...who, decision, ...(signal === undefined ? {} : { signal }) },
  } as const
  if (decision === 'approved') {
    const result = JSON.stringify({ decision, ...who, at: new Date(now).toISOString() })
    return { event: 'resolved', expect, set: { ...ended, state: 'succeeded', reason: 'completed', result } }
  }
  const error = { name: 'Rejected', message: `${by ?? 'someone'} rejected it${note === undefined ? '' : `: ${note}`}` }
  return { event: 'rejected', expect, set: { ...ended, state: 'failed', reason: 'rejected', error } }
}
