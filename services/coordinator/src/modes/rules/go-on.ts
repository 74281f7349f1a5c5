import { OPEN_STATES } from '@carillon/contracts'
import type { RunHead } from '@carillon/store'
import { CHECK_RUNNING_MS } from '../../runs/rules/life.ts'
import type { Counts, Effect, Facts, Sources, TaskSet } from '../mode.ts'
import { endedOf, endOf, NOT_SUCCEEDED, totalOf } from './fan-in.ts'
import { toleratedOf } from './request.ts'

/** Facts in which all tasks of the run are counted. */
export interface CountedFacts extends Facts {
  readonly counts: Counts
}

export const ALL_OPEN: TaskSet = { states: OPEN_STATES.filter((state) => state !== 'cancelling') }

const NOT_GIVEN: TaskSet = { states: ['waiting', 'delayed'] }

/** How often a run that no instance may have checks whether one has registered. */
const CHECK_AGAIN_MS = 2_000

export const checkedAgain = (): Effect[] => [{ do: 'check-again', afterMs: CHECK_AGAIN_MS }]

/**
 * Whether a run waits until an instance may have its tasks. One with limits does, because they are about its start. Another one begins at once: then its tasks are
 * where instances find them.
 */
export const waitsForInstance = (run: RunHead, offering: Sources['offering']): boolean =>
  run.state === 'queued' &&
  (run.terms?.deadlineAt ?? run.terms?.runTimeoutMs ?? run.terms?.endAt) !== undefined &&
  offering(run).length === 0

/** Its tasks are made: the run is running. */
export function begun({ run, now }: Facts): Effect {
  const set = { state: 'running', reason: null, startedAt: run.startedAt ?? now, queuedAt: null, wakeAt: now + CHECK_RUNNING_MS } as const
  return { do: 'decide', decision: { event: 'started', expect: { state: ['queued'], attempt: run.attempt }, set } }
}

/** Of a run that was retried: all its tasks once more, or those that did not succeed. */
export function reopened({ run }: Facts): Effect {
  return { do: 'reopen', tasks: { states: run.reason === 'retry-failed' ? NOT_SUCCEEDED : ['succeeded', ...NOT_SUCCEEDED] } }
}

/** The effects for a run whose tasks are created: free those that wait, end it when all have ended. */
export function goOn(facts: CountedFacts): Effect[] {
  const { run, counts } = facts
  const [total, ended] = [totalOf(counts), endedOf(counts)]
  if (total > 0 && ended === total) return [{ do: 'decide', decision: endOf(facts) }]
  const { waiting = 0, delayed = 0, queued = 0, running = 0, paused = 0, failed = 0, timed_out: timedOut = 0 } = counts
  if (run.state === 'cancelling') return waiting + delayed + queued + running + paused > 0 ? [{ do: 'cancel', tasks: ALL_OPEN }] : []
  const { failFast, tolerate, shards = total } = run.plan ?? {}
  // What instances have been given ends.
  if (failFast && failed + timedOut > toleratedOf(tolerate, shards))
    return waiting + delayed > 0 ? [{ do: 'cancel', tasks: NOT_GIVEN }] : []
  return waiting === 0 ? [] : freed(run, { underWay: total - ended - waiting })
}

/** Tasks of a run with routing that are under way at once: each is kept in memory until it has an instance. */
const ROUTED_AT_ONCE = 1_000

/** How many tasks of a run may be under way at once; undefined: any number. */
export const limitOf = ({ plan, routing, mode }: Pick<RunHead, 'plan' | 'routing' | 'mode'>): number | undefined =>
  plan?.maxParallel ?? (routing === null || mode === 'broadcast' ? undefined : ROUTED_AT_ONCE)

/** As many of the waiting tasks as there is room for. */
export function freed(run: RunHead, { underWay, ...range }: { underWay: number; from?: string; before?: string }): Effect[] {
  const limit = limitOf(run)
  const tasks: TaskSet = { states: ['waiting'], ...range }
  if (limit === undefined) return [{ do: 'free', tasks }]
  return underWay < limit ? [{ do: 'free', tasks, limit, room: limit - underWay }] : []
}
