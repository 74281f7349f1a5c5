import type { BoundLife, Programs } from '../../program-ports.ts'
import type { Decision } from '../../runs/rules/decision.ts'
import { CHECK_QUEUED_MS } from '../../runs/rules/life.ts'
import { NO_OWNER } from '../../runs/rules/loss.ts'
import { isTaskOfRun, type Work } from '../../runs/rules/work.ts'

/** By how much later a task is checked for each one that waits before it: a long queue must not be read again and again. */
const CHECK_LATER_MS = 5

/** A leg of a broadcast has its instance from the beginning. */
const isSelectable = (work: Work): boolean => (isTaskOfRun(work) ? work.run.mode !== 'broadcast' : work.run.mode === 'single')

/** Whether a task is offered to one instance that is chosen when it is queued. */
export const isRouted = (work: Work): boolean => (work.run.routing !== null || work.task.pinnedAt !== null) && isSelectable(work)

/** Whether it may be one that is routed when a decision is stored. Most runs are not, and each write comes through here. */
export const mayBeRouted = ({ run, task }: Work, { set }: Decision): boolean =>
  run.routing !== null || task.program !== null || task.refusedBy !== null || task.pinnedAt !== null || set.refusedBy != null

/** When a task that waits for an instance is checked again by its `wakeAt`, in case its coordinator died. */
export const nextCheckOf = (now: number, waiting: number): number => now + CHECK_QUEUED_MS + waiting * CHECK_LATER_MS

/**
 * A decision about a routed task: when it is queued it has neither an instance nor a work message. So is one that not every instance that offers its handler
 * may have: it would go round in the queue.
 */
export function routedDecision(
  work: Work,
  decision: Decision,
  { now, programs }: { now: number; programs: Pick<Programs, 'isSelective'> },
): Decision {
  const { event, set } = decision
  if (set.state !== 'queued' || event === 'checked' || !isSelectable(work)) return decision
  const { run, task } = work
  const isPinned = set.pinnedAt != null || programs.isSelective(run, { program: task.program, refusedBy: task.refusedBy, ...boundBy(set) })
  const pinned = isPinned || task.pinnedAt !== null ? { pinnedAt: isPinned ? now : null } : {}
  if (run.routing === null && !isPinned)
    return task.pinnedAt === null ? decision : { ...decision, set: { ...set, ...pinned, target: null } }
  return {
    ...decision,
    set: {
      ...set,
      ...pinned,
      ...NO_OWNER,
      target: null,
      queuedAt: null,
      wakeAt: Math.min(nextCheckOf(now, 0), set.wakeAt ?? Number.POSITIVE_INFINITY),
    },
  }
}

const boundBy = ({ program, refusedBy }: Decision['set']): Partial<BoundLife> => ({
  ...(program === undefined ? {} : { program }),
  ...(refusedBy === undefined ? {} : { refusedBy }),
})

/**
 * An instance is given a task: if it still waits, and no other coordinator was faster.
 * @param to.session of its process: if that is gone before it has reported anything, the task is lost with it
 */
export const decideToOffer = (task: { attempt: number }, to: { target: string; session: string | undefined }, wakeAt: number) =>
  ({
    expect: { state: ['queued'], attempt: task.attempt, owner: [null], target: null },
    set: { target: to.target, ownerSession: to.session ?? null, wakeAt },
  }) satisfies Pick<Decision, 'expect' | 'set'>

/** The instance has refused it. */
export const decideToWithdraw = (task: { attempt: number }, target: string, wakeAt: number) =>
  ({
    expect: { state: ['queued'], attempt: task.attempt, owner: [null], target },
    set: { target: null, ownerSession: null, wakeAt },
  }) satisfies Pick<Decision, 'expect' | 'set'>
