import { isEnded, TIMES } from '@carillon/contracts'
import type { TaskRecord } from '@carillon/store'
import { isRouted } from '../../routing/rules/routed.ts'
import type { TaskChange } from './change.ts'
import { hasNoLimit } from './waits-of-nodes.ts'
import { isLeg, type TaskOfRun } from './work.ts'

/**
 * The insert of a task has no condition on its run, which may have ended since it was read, however long ago that was; and the coordinator may stop before its next
 * step. So new tasks have a `wakeAt` until they have one of their own, or begin: then their run is checked. The tasks of a run that are inserted in one write, of which
 * there may be very many, are kept by the first and the last of them, since all that are open are cancelled together.
 */
export function withCheck(tasks: readonly TaskRecord[], now: number): TaskRecord[] {
  const isKept = ({ node }: TaskRecord, place: number) => node !== null || place === 0 || place === tasks.length - 1
  return tasks.map((task, place) =>
    task.wakeAt === null && !isEnded(task.state) && isKept(task, place) ? { ...task, wakeAt: now + TIMES.ackWaitMs } : task,
  )
}

/** The same for ended tasks that are opened once more. */
export const reopenedWithCheck = (changes: readonly TaskChange[], now: number): TaskChange[] =>
  changes.map((change, place) => {
    if (place > 0 && place < changes.length - 1) return change
    const { decision } = change
    return { ...change, decision: { ...decision, set: { ...decision.set, wakeAt: now + TIMES.ackWaitMs } } }
  })

/** Whether the `wakeAt` of an open task is this check: nothing else of it is ever due in that state. */
export function isNew(work: TaskOfRun): boolean {
  const { state, target, node } = work.task
  if (state === 'waiting') return true
  if (state === 'queued') return !isLeg(work) && !isRouted(work) && target === null
  if (state === 'running') return node?.child !== undefined
  return state === 'delayed' && hasNoLimit(work.task)
}
