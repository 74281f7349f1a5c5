import { TIMES } from '@carillon/contracts'
import type { RunHead, RunRecord } from '@carillon/store'
import type { Decision } from '../../runs/rules/decision.ts'
import { furtherAttempt } from '../../runs/rules/further-attempt.ts'
import { decideLoss } from '../../runs/rules/loss.ts'

/** Larger payloads go through the stream, which spreads them over time. */
const PAYLOAD_BYTES = 16 * 1024

/** Whether a run that is about to be stored may be assigned: any instance may have it, and nothing but its message would wake it. */
export const mayBeAssigned = (run: RunRecord): boolean =>
  run.state === 'queued' &&
  run.mode === 'single' &&
  run.routing === null &&
  run.wakeAt === null &&
  run.terms === null &&
  run.payload.length <= PAYLOAD_BYTES

/**
 * Whether the only task of a run waits at the instance that it was assigned to when it was created. One that a coordinator of an earlier version has queued again has its
 * `target` still, but is in the work queue.
 */
export const isAssigned = ({ state, target, routing, pinnedAt, queuedAt }: RunHead): boolean =>
  target !== null && state === 'queued' && routing === null && pinnedAt === null && queuedAt === null

/** When it is checked whether its instance has begun it, or lives. */
export const nextCheckOfAssigned = (now: number): number => now + TIMES.ackWaitMs

/** What was decided about it before its last check, by whichever coordinator, does not count any more. */
const asChecked = ({ attempt, target, wakeAt }: RunHead) => ({ state: ['queued'] as const, attempt, owner: [null], target, wakeAt })

/**
 * Its instance does not take it: it goes to the work queue.
 * @param context.mayBeThere it has declined an assignment that was repeated, because the answer to the first one was not known. It may have had the run, and its report that it releases it
 *   be on its way, or the first one may still arrive, if another coordinator has sent it: it is a further attempt
 */
export const decideToQueue = (run: RunHead, { now, mayBeThere = false }: { now: number; mayBeThere?: boolean }): Decision => ({
  event: 'checked',
  expect: asChecked(run),
  set: {
    ...(mayBeThere ? furtherAttempt(run) : {}),
    ...{ state: 'queued', target: null, ownerSession: null, wakeAt: null, queuedAt: now },
  },
})

/**
 * Its instance is alive, and does not say that it has it: its process is blocked. Another one gets the run, under an attempt of its own, so that nothing counts that the
 * first one does with it later. No try is used up: it has not begun.
 */
export const decideToTakeAway = (run: RunHead, now: number): Decision => ({
  event: 'released',
  expect: asChecked(run),
  set: { ...furtherAttempt(run), state: 'queued', target: null, ownerSession: null, wakeAt: null, queuedAt: now },
})

/** Its instance is gone. If it has been declined since this was read, it is in the work queue as the same attempt, and may have run: then nothing is done. */
export function decideAssignedLoss(run: RunHead, now: number): Decision {
  const decision = decideLoss(run, { now })
  return { ...decision, expect: { ...decision.expect, ...asChecked(run) } }
}

/** It stays where it is. */
export const decideToCheckAgain = (run: RunHead, now: number): Decision => ({
  event: 'checked',
  expect: asChecked(run),
  set: { wakeAt: nextCheckOfAssigned(now) },
})

/**
 * A decision about a run that was assigned: if it is queued again, it goes to the work queue. One that its instance has released has no message there, unlike
 * others that were released, so nothing would have to be claimed: it is a further attempt, to which a report or an offer of the one before does nothing.
 */
export function unassigned(run: RunHead, decision: Decision): Decision {
  const { event, set } = decision
  const { target, routing, pinnedAt } = run
  if (target === null || routing !== null || pinnedAt !== null || set.state !== 'queued' || event === 'checked') return decision
  return { ...decision, set: { ...set, target: null, ...(event === 'released' ? { reason: null, ...furtherAttempt(run) } : {}) } }
}
