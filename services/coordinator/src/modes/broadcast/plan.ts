import type { StepRecord, TaskHead } from '@carillon/store'
import type { Decision } from '../../runs/rules/decision.ts'
import { decideLoss, NO_OWNER } from '../../runs/rules/loss.ts'
import { taskOfRun } from '../../runs/rules/new-run.ts'
import type { Effect } from '../mode.ts'
import { totalOf } from '../rules/fan-in.ts'
import { begun, type CountedFacts, checkedAgain, goOn, reopened } from '../rules/go-on.ts'

export interface BroadcastFacts extends CountedFacts {
  /** Live instances that offer the handler, by id. */
  readonly offering: readonly string[]
}

/** Broadcast: one task for each instance that is live when the run begins. */
export function planBroadcast(facts: BroadcastFacts): Effect[] {
  const { run, counts, offering } = facts
  if (run.state !== 'queued') return goOn(facts)
  if (totalOf(counts) > 0) return [reopened(facts), begun(facts)]
  if (offering.length === 0) return checkedAgain()
  const legs = offering.map((target, index) => taskOfRun(run, { index, total: offering.length, target }))
  return [{ do: 'create', tasks: legs }, begun(facts)]
}

/** The instance of a leg is gone: the leg goes to an unused one as a further attempt, ends without one, and is poison after three losses. */
export function decideLegLoss(leg: TaskHead, unused: readonly string[], now: number): Decision {
  const decision = decideLoss(leg, { now })
  return decision.set.state === 'queued' ? routedLeg(leg, decision, { unused, now }) : decision
}

/** Another leg of the run has the instance: this one goes to an unused one. The attempt was never offered, so it uses no try. */
export function decideLegMove(leg: TaskHead, unused: readonly string[], now: number): Decision {
  const expect = { state: ['queued'], attempt: leg.attempt } as const
  const set = { state: 'queued', attempt: leg.attempt + 1, attempts: leg.attempts + 1, queuedAt: now } as const
  return routedLeg(leg, { expect, set }, { unused, now })
}

/** A lost leg with the instance that it goes to, or its end. Legs that move at the same time are spread over the unused instances. */
export function routedLeg(
  leg: TaskHead,
  { expect, set }: Pick<Decision, 'expect' | 'set'>,
  { unused, now }: { unused: readonly string[]; now: number },
): Decision {
  const target = unused[leg.index % unused.length]
  if (target !== undefined) return { event: 'lost', expect, set: { ...set, ...NO_OWNER, wakeAt: now, target } }
  const why = set.error ? ` (${set.error.message})` : ''
  const message = `instance ${leg.target} is gone${why}, and every other one that offers the handler has a task of this run`
  const error = { name: 'InstanceLost', message }
  const end = { state: 'failed', reason: 'instance-lost', error, endedAt: now, wakeAt: null, queuedAt: null } as const
  return { event: 'failed', expect, set: end }
}

/**
 * Claims an instance for a leg that was not created for it: an entry of the run's journal. It is inserted before the leg is offered, under
 * an id derived from run and instance, so of several legs that choose one instance at the same moment exactly one gets it.
 */
export function seatRecord(leg: TaskHead, now: number): StepRecord {
  const instance = leg.target as string
  return {
    id: `${leg.runId}.seat.${instance}`,
    namespace: leg.namespace,
    taskId: leg.runId,
    index: leg.index,
    epoch: 0,
    try: 1,
    attempt: leg.attempt,
    name: instance,
    state: 'done',
    result: JSON.stringify(leg.id),
    error: null,
    final: 0,
    until: null,
    at: now,
  }
}

/** Whether a seat is that of a leg. */
export const isSeatOf = (seat: StepRecord, leg: TaskHead) => seat.index === leg.index
