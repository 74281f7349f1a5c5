import { TIMES } from '@carillon/contracts'
import type { RunHead, RunRecord } from '@carillon/store'
import type { Decision } from '../../runs/rules/decision.ts'

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

/** Whether the only task of a run waits at the instance that it was assigned to when it was created. */
export const isAssigned = ({ state, target, routing, pinnedAt }: RunHead): boolean =>
  target !== null && state === 'queued' && routing === null && pinnedAt === null

/** When it is checked whether its instance has begun it, or lives. */
export const nextCheckOfAssigned = (now: number): number => now + TIMES.ackWaitMs

/** Its instance does not take it: it goes to the work queue. */
export const decideToQueue = ({ attempt, target }: RunHead, now: number): Decision => ({
  event: 'checked',
  expect: { state: ['queued'], attempt, owner: [null], target },
  set: { state: 'queued', target: null, ownerSession: null, wakeAt: null, queuedAt: now },
})

/**
 * Its instance is alive, and does not say that it has it: its process is blocked. Another one gets the run, under an attempt of its own, so that nothing counts that the
 * first one does with it later. No try is used up: it has not begun.
 */
export const decideToTakeAway = ({ attempt, attempts, target }: RunHead, now: number): Decision => ({
  event: 'released',
  expect: { state: ['queued'], attempt, owner: [null], target },
  set: {
    ...{ state: 'queued', attempt: attempt + 1, attempts: attempts + 1 },
    ...{ target: null, ownerSession: null, wakeAt: null, queuedAt: now },
  },
})

/** It stays where it is. */
export const decideToCheckAgain = ({ attempt, target }: RunHead, now: number): Decision => ({
  event: 'checked',
  expect: { state: ['queued'], attempt, target },
  set: { wakeAt: nextCheckOfAssigned(now) },
})

/**
 * A decision about a run that was assigned: if it is queued again, it goes to the work queue. One that its instance has released has no message there, unlike
 * others that were released, so it is published as if it were new.
 */
export function unassigned({ target, routing, pinnedAt }: RunHead, decision: Decision): Decision {
  const { event, set } = decision
  if (target === null || routing !== null || pinnedAt !== null || set.state !== 'queued' || event === 'checked') return decision
  return { ...decision, set: { ...set, target: null, ...(event === 'released' ? { reason: null } : {}) } }
}
