import { type EndedState, isEnded, OPEN_STATES, type Reason, type RunState } from '@carillon/contracts'
import type { Tally } from '@carillon/store'
import type { Decision } from '../../runs/rules/decision.ts'
import { whyCancelled } from '../../runs/rules/loss.ts'
import type { Counts, Facts } from '../mode.ts'
import { toleratedOf } from './request.ts'

export const NOT_SUCCEEDED = ['failed', 'timed_out', 'cancelled'] as const satisfies readonly EndedState[]

/** States that count against the limit of tasks under way. */
export const UNDER_WAY = OPEN_STATES.filter((state) => state !== 'waiting')

export function countsOf(tally: readonly Pick<Tally, 'state' | 'count'>[]): Counts {
  const counts: Counts = {}
  for (const { state, count } of tally) counts[state] = (counts[state] ?? 0) + count
  return counts
}
export const totalOf = (counts: Counts) => Object.values(counts).reduce((sum, count) => sum + count, 0)
export const endedOf = (counts: Counts) =>
  (Object.keys(counts) as RunState[]).reduce((sum, state) => sum + (isEnded(state) ? (counts[state] ?? 0) : 0), 0)

/** The end of a run whose tasks have all ended: more failed than tolerated → failed, else any cancelled → cancelled. */
export function endOf({ run, counts, now }: Facts & { readonly counts: Counts }): Decision {
  const failed = (counts.failed ?? 0) + (counts.timed_out ?? 0)
  const total = totalOf(counts)
  const [event, reason]: ['failed' | 'cancelled' | 'succeeded', Reason] =
    failed > toleratedOf(run.plan?.tolerate, total)
      ? ['failed', 'tasks-failed']
      : (counts.cancelled ?? 0) > 0
        ? ['cancelled', run.state === 'cancelling' ? whyCancelled(run) : 'tasks-cancelled']
        : ['succeeded', 'completed']
  const error = failed > 0 ? { name: 'TasksFailed', message: `${failed} of ${total} tasks failed` } : null
  return {
    event,
    expect: { state: ['running', 'cancelling'], attempt: run.attempt },
    set: { state: event, reason, result: JSON.stringify({ tasks: counts }), error, endedAt: now, wakeAt: null, queuedAt: null },
  }
}
