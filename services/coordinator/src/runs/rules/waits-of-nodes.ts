import { isEnded, TIMES } from '@carillon/contracts'
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
