import type { Decision } from '../../runs/rules/decision.ts'
import { CHECK_QUEUED_MS } from '../../runs/rules/life.ts'
import { NO_OWNER } from '../../runs/rules/loss.ts'
import { isTaskOfRun, type Work } from '../../runs/rules/work.ts'

/** By how much later a task is checked for each one that waits before it: a long queue must not be read again and again. */
const CHECK_LATER_MS = 5

/** Whether a task is offered to one instance that is chosen when it is queued. A leg of a broadcast has its instance from the beginning. */
export const isRouted = (work: Work): boolean =>
  work.run.routing !== null && (isTaskOfRun(work) ? work.run.mode !== 'broadcast' : work.run.mode === 'single')

/** When a task that waits for an instance is checked again by its `wakeAt`, in case its coordinator died. */
export const nextCheckOf = (now: number, waiting: number): number => now + CHECK_QUEUED_MS + waiting * CHECK_LATER_MS

/** A decision about a routed task: when it is queued it has neither an instance nor a work message. */
export function routedDecision(work: Work, decision: Decision, now: number): Decision {
  const { event, set } = decision
  if (set.state !== 'queued' || event === 'checked' || !isRouted(work)) return decision
  return {
    ...decision,
    set: {
      ...set,
      ...NO_OWNER,
      target: null,
      queuedAt: null,
      wakeAt: Math.min(nextCheckOf(now, 0), set.wakeAt ?? Number.POSITIVE_INFINITY),
    },
  }
}

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
