import { ALONE_AFTER, type Blame, type Failure, LIMITS, POISON_AFTER } from '@carillon/contracts'
import type { LifeHead, TaskLife } from '@carillon/store'
import type { Decision } from './decision.ts'

export const ended = { wakeAt: null, queuedAt: null } as const
/** It made progress: earlier losses do not count any more. */
export const NO_LOSSES = { losses: 0, interruptions: null } as const

/** Nobody has it. */
export const NO_OWNER = { owner: null, ownerSession: null } as const

/** Limits the losses with an executor that does not report the begin of a suspect before it begins. */
const MOST_INTERRUPTIONS_HELD = 10

/** Whether the next attempt runs alone in its process: it is suspected of killing processes, or other tasks have interrupted it too often. */
export function runsAlone({ losses, interruptions }: Pick<TaskLife, 'losses' | 'interruptions'>): boolean {
  return losses >= POISON_AFTER - 1 || (interruptions ?? 0) >= ALONE_AFTER
}

/**
 * Its instance is gone: the next attempt is queued, or it is poison after three losses in a row. What another task is known to have
 * caused is counted apart. The third loss is that of a process in which it was alone, or one that it is known to have ended: a suspect reports that it
 * begins before it does, so one that has not was only held there.
 */
export function decideLoss(life: LifeHead, { now, blame = 'unknown', error }: { now: number; blame?: Blame; error?: Failure }): Decision {
  const expect = { state: [life.state], attempt: life.attempt, owner: [life.owner] }
  if (life.state === 'cancelling')
    return { event: 'lost', expect, set: { ...ended, state: 'cancelled', reason: whyCancelled(life), endedAt: now } }
  const isHeld = error === undefined && life.startedAt === null && runsAlone(life) && (life.interruptions ?? 0) < MOST_INTERRUPTIONS_HELD
  const counts = blame === 'another' || isHeld ? { interruptions: (life.interruptions ?? 0) + 1 } : { losses: life.losses + 1 }
  const { losses = 0 } = counts as Partial<TaskLife>
  if (losses >= POISON_AFTER) {
    const silent = life.owner === null ? 'the process that had received it reported nothing' : `instance ${life.owner} was lost`
    const last = error ? `${error.name}: ${error.message}` : silent
    const poison = { name: 'Poison', message: `its process died ${losses} times in a row while it ran; the last time: ${last}` }
    return { event: 'failed', expect, set: { ...ended, state: 'failed', reason: 'poison', endedAt: now, losses, error: poison } }
  }
  return {
    event: 'lost',
    expect,
    set: {
      state: 'queued',
      reason: 'instance-lost',
      attempt: life.attempt + 1,
      ...counts,
      ...(error ? { error } : {}),
      ...NO_OWNER,
      startedAt: null,
      firstStartedAt: life.firstStartedAt ?? life.startedAt,
      progress: null,
      wakeAt: null,
      queuedAt: now,
    },
  }
}

/** The reason of its cancellation. A life that an earlier version began to cancel has none. */
export const whyCancelled = ({ reason }: Pick<LifeHead, 'reason'>) => (reason === 'replaced' ? reason : 'cancelled-by-request')

/** An error cut to what is kept of it. */
export function bounded(error: Failure): Failure {
  return {
    ...error,
    message: error.message.slice(0, LIMITS.errorTextBytes),
    ...(error.stack ? { stack: error.stack.slice(0, LIMITS.errorTextBytes) } : {}),
  }
}
