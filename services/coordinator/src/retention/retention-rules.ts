import { isEnded, TIMES } from '@carillon/contracts'
import type { AgedRun, JobPosition, RunPosition, Tombstone } from '@carillon/store'

/** How long records are kept. Times are milliseconds. */
export interface RetentionPolicy {
  /** The newest runs of each job are kept whatever their age. */
  readonly keepPerJob: number
  /** From its end to its removal. */
  readonly runMs: number
  /** From the removal of a run until its key may start another one. */
  readonly keyMs: number
  /** From the end of a run until its id, which its caller or the broker may still repeat, may start another one. */
  readonly idMs: number
}

const DAY_MS = 86_400_000

export const DEFAULT_RETENTION: RetentionPolicy = { keepPerJob: 20, runMs: DAY_MS, keyMs: 30 * DAY_MS, idMs: DAY_MS }

/** From the end of a run until its event is in the stream, on clocks that may be apart so far. */
const COUNTED_LATE_MS = 3_000
/** How far the clocks of broker and coordinators may be apart. */
const CLOCKS_DIFFER_MS = 10_000
/** A slot this old is not computed again: every change of a schedule begins at the present, or at a slot that is not a misfire yet. */
const SLOT_SETTLED_MS = 2 * TIMES.misfireAfterMs

/** What the decision needs besides the run itself. */
export interface RetentionFacts {
  readonly now: number
  /** When the oldest unapplied message was stored; Infinity: there is none. */
  readonly unappliedSince: number
  /** What ended before is counted; 0: nothing is yet. */
  readonly countedUntil: number
  /** The run's job, if it has one that exists. */
  readonly job: JobPosition | undefined
}

/** Whether the retention of a run is over, and nothing will refer to it again. */
export function isOver(run: AgedRun, facts: RetentionFacts, policy: RetentionPolicy): boolean {
  if (!isEnded(run.state) || run.endedAt === null) return false
  // Its terminal event may not be published yet.
  if (run.wakeAt !== null) return false
  if (Math.max(run.endedAt, run.createdAt, run.slot ?? 0) >= facts.now - policy.runMs) return false
  // A redelivered report or trigger must find the run that it made: it was stored before the run ended.
  if (run.endedAt >= facts.unappliedSince - CLOCKS_DIFFER_MS) return false
  // The statistics could never be made again.
  if (run.endedAt >= facts.countedUntil - COUNTED_LATE_MS) return false
  return !isSlotOpen(run, facts)
}

/** The id of a slot's run is all that keeps the slot from being fired once more, until the schedule has moved beyond it. */
function isSlotOpen({ slot }: AgedRun, { now, job }: RetentionFacts): boolean {
  if (slot === null) return false
  if (slot >= now - SLOT_SETTLED_MS) return true
  return job !== undefined && job.nextSlotAt !== null && slot >= job.nextSlotAt
}

/** Whether a run is among the newest of its job. @param oldestKept the oldest of those; undefined: the job has fewer runs than it keeps */
export function isAmongNewest(run: RunPosition, oldestKept: RunPosition | undefined): boolean {
  if (oldestKept === undefined) return true
  return run.createdAt > oldestKept.createdAt || (run.createdAt === oldestKept.createdAt && run.id >= oldestKept.id)
}

/** Until when the id of a removed run stays taken. The id of a slot's run needs no memory: its schedule is beyond it. */
export function rememberedUntil(
  { key, trigger, endedAt, removedAt }: Pick<Tombstone, 'key' | 'trigger' | 'endedAt' | 'removedAt'>,
  { keyMs, idMs }: RetentionPolicy,
): number {
  return Math.max(removedAt, key === null ? 0 : removedAt + keyMs, trigger === 'schedule' ? 0 : endedAt + idMs)
}
