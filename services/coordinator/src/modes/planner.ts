import { type EndedState, isEnded, type Reason, type RunState, type Stage } from '@carillon/contracts'
import type { RunHead, Tally, TaskRecord } from '@carillon/store'
import { CHECK_RUNNING_MS, type Decision } from '../runs/rules/life.ts'
import { toleratedOf } from '../runs/rules/plan.ts'
import type { MapFacts } from './map/plan.ts'

/** How many tasks of a run are in each state. */
export type Counts = Partial<Record<RunState, number>>

/** What a planner knows of a run with many tasks. It may be old: effects are such that an old view does no harm. */
export interface Facts {
  readonly run: RunHead
  /** Of a run whose tasks are still to be made, and that was given a list of items: JSON text. */
  readonly items?: string | null
  /** Of a run that maps: see `map`. */
  readonly counts: Counts
  readonly map?: MapFacts
  /** Live instances that offer the handler, by id. */
  readonly offering: readonly string[]
  readonly now: number
}

/**
 * What is to be done next, in this order. Each may be done again, and by several coordinators: tasks have ids of their own, and every write
 * names the state that it expects.
 */
export type Effect =
  | { readonly do: 'create'; readonly tasks: readonly TaskRecord[] }
  /** Tasks in these states that had ended when the run was queued wait once more; only those of a stage and what comes after it. */
  | { readonly do: 'reopen'; readonly states: readonly EndedState[]; readonly from?: Stage }
  /** A reduce of so many parts is made over so many leaves. */
  | { readonly do: 'split'; readonly leaves: number; readonly parts: number }
  /** Of the run: its tasks are made, or all have ended. */
  | { readonly do: 'decide'; readonly decision: Decision }
  /** Waiting tasks, of a map those of a stage: in their order, until so many are under way as `limit` says (default: all); `room` was free. */
  | { readonly do: 'free'; readonly stage?: Stage; readonly limit?: number; readonly room?: number }
  | { readonly do: 'cancel' }
  | { readonly do: 'look-again'; readonly afterMs: number }

/** Pushes a run as far as it can go. Pure: it takes facts and answers what they ask for; nothing when there is nothing to do. */
export type Planner = (facts: Facts) => Effect[]

export function countsOf(tally: readonly Pick<Tally, 'state' | 'count'>[]): Counts {
  const counts: Counts = {}
  for (const { state, count } of tally) counts[state] = (counts[state] ?? 0) + count
  return counts
}
export const totalOf = (counts: Counts) => Object.values(counts).reduce((sum, count) => sum + count, 0)
export const endedOf = (counts: Counts) =>
  (Object.keys(counts) as RunState[]).reduce((sum, state) => sum + (isEnded(state) ? (counts[state] ?? 0) : 0), 0)

/** Its tasks are made: the run is running. */
export function begun({ run, now }: Facts): Effect {
  const set = { state: 'running', reason: null, startedAt: run.startedAt ?? now, queuedAt: null, wakeAt: now + CHECK_RUNNING_MS } as const
  return { do: 'decide', decision: { event: 'started', expect: { state: ['queued'], attempt: run.attempt }, set } }
}

/** Of a run that was retried: all its tasks once more, or those that did not succeed. */
export function reopened({ run }: Facts): Effect {
  return { do: 'reopen', states: run.reason === 'retry-failed' ? NOT_SUCCEEDED : ['succeeded', ...NOT_SUCCEEDED] }
}
export const NOT_SUCCEEDED = ['failed', 'timed_out', 'cancelled'] as const

/** What a run asks for whose tasks are made: free those that wait, end it when all have ended. */
export function goOn(facts: Facts): Effect[] {
  const { run, counts } = facts
  const [total, ended] = [totalOf(counts), endedOf(counts)]
  if (total > 0 && ended === total) return [{ do: 'decide', decision: endOf(facts) }]
  const { waiting = 0, delayed = 0, queued = 0, running = 0 } = counts
  if (run.state === 'cancelling') return waiting + delayed + queued + running > 0 ? [{ do: 'cancel' }] : []
  return waiting === 0 ? [] : freed(run, total - ended - waiting)
}

/** As many of the waiting tasks as there is room for. */
export function freed(run: RunHead, underWay: number): Effect[] {
  const limit = run.plan?.maxParallel
  if (limit === undefined) return [{ do: 'free' }]
  return underWay < limit ? [{ do: 'free', limit, room: limit - underWay }] : []
}

/** The end of a run whose tasks have all ended (semantics D6): more failed than tolerated → failed, else any cancelled → cancelled. */
export function endOf({ run, counts, now }: Facts): Decision {
  const failed = (counts.failed ?? 0) + (counts.timed_out ?? 0)
  const total = totalOf(counts)
  const [event, reason]: ['failed' | 'cancelled' | 'succeeded', Reason] =
    failed > toleratedOf(run.plan?.tolerate, total)
      ? ['failed', 'tasks-failed']
      : (counts.cancelled ?? 0) > 0
        ? ['cancelled', run.state === 'cancelling' ? 'cancelled-by-request' : 'tasks-cancelled']
        : ['succeeded', 'completed']
  const error = failed > 0 ? { name: 'TasksFailed', message: `${failed} of ${total} tasks failed` } : null
  return {
    event,
    expect: { state: ['running', 'cancelling'], attempt: run.attempt },
    set: { state: event, reason, result: JSON.stringify({ tasks: counts }), error, endedAt: now, wakeAt: null, queuedAt: null },
  }
}
