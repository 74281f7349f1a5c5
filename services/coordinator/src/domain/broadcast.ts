import type { Reason, RunState } from '@carillon/contracts'
import { isEnded, LIFECYCLE } from '@carillon/contracts'
import type { RunRecord, TaskLife, TaskRecord } from '@carillon/store'
import { CHECK_RUNNING_MS, type Decision } from './life.ts'

/** How many tasks of a run are in each state. */
export type Counts = Partial<Record<RunState, number>>

/** The end of a run whose tasks have all ended, or undefined while one is open: any failed → failed, else any cancelled → cancelled. */
export function decideEnd(run: RunRecord, counts: Counts, now: number): Decision | undefined {
  const states = (Object.keys(counts) as RunState[]).filter((state) => (counts[state] ?? 0) > 0)
  if (states.length === 0 || states.some((state) => !isEnded(state))) return undefined
  const failed = (counts.failed ?? 0) + (counts.timed_out ?? 0)
  const [event, reason]: ['failed' | 'cancelled' | 'succeeded', Reason] =
    failed > 0
      ? ['failed', 'tasks-failed']
      : (counts.cancelled ?? 0) > 0
        ? ['cancelled', run.state === 'cancelling' ? 'cancelled-by-request' : 'tasks-cancelled']
        : ['succeeded', 'completed']
  const total = states.reduce((sum, state) => sum + (counts[state] ?? 0), 0)
  const error = failed > 0 ? { name: 'TasksFailed', message: `${failed} of ${total} tasks failed` } : null
  return {
    event,
    expect: { state: ['running', 'cancelling'], attempt: run.attempt },
    set: { state: event, reason, result: JSON.stringify({ tasks: counts }), error, endedAt: now, wakeAt: null, queuedAt: null },
  }
}

/** Its tasks are made: the run is running. */
export function decideBegun(run: RunRecord, now: number): Decision {
  const state = LIFECYCLE.started.queued as RunState
  return {
    event: 'started',
    expect: { state: ['queued'], attempt: run.attempt },
    set: { state, reason: null, startedAt: run.startedAt ?? now, queuedAt: null, wakeAt: now + CHECK_RUNNING_MS },
  }
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
