import type { Beat } from '@carillon/contracts'

/** What expressions read as `load`, and what routes compare. A signal that an instance does not report is absent. */
export interface Load {
  /** Share of the CPU that its process, or the control group of it, may use. */
  readonly cpu?: number
  /** Share of its memory limit. */
  readonly memory?: number
  readonly eventLoopDelayMs?: number
  /** Tasks that it runs: as it said last, and what was sent to it since. */
  readonly running?: number
  /** Of those, what was sent since it said so. */
  readonly sent?: number
  readonly capacity: number
  /** Mean duration of the last tasks, from offer to end, as this coordinator measured it. */
  readonly responseMs?: number
}

interface Known {
  readonly beat: Beat | undefined
  readonly capacity: number
  /** Tasks that it was given since that beat, without those that have ended. */
  readonly sent: number
  readonly responseMs: number | undefined
}

export function loadOf({ beat, capacity, sent, responseMs }: Known): Load {
  const response = responseMs === undefined ? {} : { responseMs }
  if (beat === undefined) return { capacity, ...(sent > 0 ? { running: sent, sent } : {}), ...response }
  const { groupMemoryBytes, memoryLimitBytes, eventLoopDelayMs } = beat
  const hasMemory = groupMemoryBytes !== undefined && memoryLimitBytes !== undefined && memoryLimitBytes > 0
  return {
    cpu: beat.groupCpu ?? beat.cpu / (beat.cpuLimit || 1),
    ...(hasMemory ? { memory: groupMemoryBytes / memoryLimitBytes } : {}),
    eventLoopDelayMs,
    running: Math.max(0, beat.running + sent),
    sent,
    capacity,
    ...response,
  }
}

/** The weight of the newest duration: the last ten or so decide. */
const NEWEST = 1 / 8
/** By how much the duration of a failure counts as longer than the slowest mean: an instance that fails at once must not seem to be the fastest. */
const FAILURE_FACTOR = 2

/** Else failures of all instances would add up. */
const LONGEST_MEAN_MS = 600_000

/** @param others means of the other instances of the handler */
export function nextMean(mean: number | undefined, ended: { tookMs: number; failed: boolean }, others: readonly number[]): number {
  const tookMs = Math.min(LONGEST_MEAN_MS, ended.failed ? Math.max(ended.tookMs, ...others) * FAILURE_FACTOR : ended.tookMs)
  return mean === undefined ? tookMs : mean + (tookMs - mean) * NEWEST
}
