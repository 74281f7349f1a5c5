import { pause } from '@carillon/runtime'
import type { LoggerParts } from '../parts.ts'

/** Lines removed in one store write: others get their turn in between. */
const PAGE = 1_000
const BETWEEN_PAGES_MS = 10
/** A run is looked at when it got this share of its limit anew, so it may exceed it by as much for each logger. */
const GROWN_SHARE = 0.01

/** Removes lines that are too old, then those beyond a run's limit, of runs that got lines lately. Answers how many went. */
export async function trimLines(parts: LoggerParts, signal: AbortSignal): Promise<{ old: number; beyondLimit: number }> {
  const before = parts.clock.now() - parts.retentionMs
  let old = 0
  for (let removed = PAGE; removed === PAGE && (await pause(parts.clock, BETWEEN_PAGES_MS, signal)); old += removed)
    removed = await parts.store.logs.removeOlder({ before, limit: PAGE })
  let beyondLimit = 0
  for (const run of parts.counts.takeGrown(Math.ceil(parts.linesPerRun * GROWN_SHARE))) {
    const trim = () => parts.store.logs.trim({ ...run, keep: parts.linesPerRun, limit: PAGE })
    for (let removed = PAGE; removed === PAGE && (await pause(parts.clock, BETWEEN_PAGES_MS, signal)); beyondLimit += removed)
      removed = await trim()
  }
  return { old, beyondLimit }
}
