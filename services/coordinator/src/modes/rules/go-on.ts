import { OPEN_STATES } from '@carillon/contracts'
import type { RunHead } from '@carillon/store'
import { CHECK_RUNNING_MS } from '../../runs/rules/life.ts'
import type { Counts, Effect, Situation, TaskSet } from '../mode.ts'
import { endedOf, endOf, NOT_SUCCEEDED, totalOf } from './fan-in.ts'

/** A situation in which all tasks of the run are counted. */
export interface CountedSituation extends Situation {
  readonly counts: Counts
}

export const ALL_OPEN: TaskSet = { states: OPEN_STATES.filter((state) => state !== 'cancelling') }

/** Its tasks are made: the run is running. */
export function begun({ run, now }: Situation): Effect {
  const set = { state: 'running', reason: null, startedAt: run.startedAt ?? now, queuedAt: null, wakeAt: now + CHECK_RUNNING_MS } as const
  return { do: 'decide', decision: { event: 'started', expect: { state: ['queued'], attempt: run.attempt }, set } }
}

/** Of a run that was retried: all its tasks once more, or those that did not succeed. */
export function reopened({ run }: Situation): Effect {
  return { do: 'reopen', tasks: { states: run.reason === 'retry-failed' ? NOT_SUCCEEDED : ['succeeded', ...NOT_SUCCEEDED] } }
}

/** What a run asks for whose tasks are made: free those that wait, end it when all have ended. */
export function goOn(situation: CountedSituation): Effect[] {
  const { run, counts } = situation
  const [total, ended] = [totalOf(counts), endedOf(counts)]
  if (total > 0 && ended === total) return [{ do: 'decide', decision: endOf(situation) }]
  const { waiting = 0, delayed = 0, queued = 0, running = 0 } = counts
  if (run.state === 'cancelling') return waiting + delayed + queued + running > 0 ? [{ do: 'cancel', tasks: ALL_OPEN }] : []
  return waiting === 0 ? [] : freed(run, { underWay: total - ended - waiting })
}

/** As many of the waiting tasks as there is room for. */
export function freed(run: RunHead, { underWay, ...range }: { underWay: number; from?: string; before?: string }): Effect[] {
  const limit = run.plan?.maxParallel
  const tasks: TaskSet = { states: ['waiting'], ...range }
  if (limit === undefined) return [{ do: 'free', tasks }]
  return underWay < limit ? [{ do: 'free', tasks, limit, room: limit - underWay }] : []
}
