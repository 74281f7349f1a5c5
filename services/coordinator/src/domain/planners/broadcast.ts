import type { TaskLife, TaskRecord } from '@carillon/store'
import { taskOfRun } from '../new-run.ts'
import { begun, goOn, type Planner, reopened, totalOf } from './planner.ts'

/** A queued broadcast looks this often whether an instance has come. */
const LOOK_AGAIN_MS = 2_000

/** Broadcast (semantics D1): one task for each instance that lives when the run begins. */
export const planBroadcast: Planner = (facts) => {
  const { run, counts, offering } = facts
  if (run.state !== 'queued') return goOn(facts)
  if (totalOf(counts) > 0) return [reopened(facts), begun(facts)]
  if (offering.length === 0) return [{ do: 'look-again', afterMs: LOOK_AGAIN_MS }]
  const legs = offering.map((target, index) => taskOfRun(run, { index, total: offering.length, target }))
  return [{ do: 'create', tasks: legs }, begun(facts)]
}

/** A leg whose instance is gone goes to an unused one, as a further attempt, or ends (semantics D1). */
export function decideLegLoss(
  leg: TaskRecord,
  unused: readonly string[],
  now: number,
): { event: 'lost' | 'failed'; set: Partial<TaskLife> & { target?: string } } {
  if (leg.state === 'cancelling')
    return { event: 'lost', set: { state: 'cancelled', reason: 'cancelled-by-request', endedAt: now, wakeAt: null, queuedAt: null } }
  const target = unused[0]
  if (target !== undefined) {
    return {
      event: 'lost',
      set: {
        state: 'queued',
        reason: 'instance-lost',
        attempt: leg.attempt + 1,
        losses: leg.losses + 1,
        owner: null,
        startedAt: null,
        progress: null,
        queuedAt: now,
        wakeAt: now,
        target,
      },
    }
  }
  const error = {
    name: 'InstanceLost',
    message: `instance ${leg.target} is gone, and every other one that offers the handler has a task of this run`,
  }
  return { event: 'failed', set: { state: 'failed', reason: 'instance-lost', error, endedAt: now, wakeAt: null, queuedAt: null } }
}
