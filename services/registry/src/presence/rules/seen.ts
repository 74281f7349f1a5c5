import type { Beat, Cordon, InstanceView, Presence } from '@carillon/contracts'
import { isOtherSession } from './presence.ts'

/** An entry of the presence bucket. */
export interface Entry {
  readonly presence: Presence
  /** The revision in the bucket: a change of the entry is conditional on it. */
  readonly revision: number
}

/** A live instance and its signs of life. Times are `TickedTime.elapsedMs`. */
export interface Seen extends Entry {
  readonly heardAt: number
  readonly load: Beat
  /** Since when every beat has reported that stuck handlers hold all slots. */
  readonly blockedSince?: number | undefined
}

const NO_LOAD: Beat = { cpu: 0, memoryBytes: 0, eventLoopDelayMs: 0, running: 0, stuck: 0, stuckTasks: [] }

/** Earlier signs of life of the same process are kept. */
export function seenOf(entry: Entry, before: Seen | undefined, elapsedMs: number): Seen {
  const isSame = !isOtherSession(before?.presence.session, entry.presence.session)
  return { ...entry, heardAt: elapsedMs, load: before?.load ?? NO_LOAD, blockedSince: isSame ? before?.blockedSince : undefined }
}

/**
 * The change of presence that the newest beat causes: *hung* when stuck handlers have held every slot for `hungAfterMs`, *recovered*
 * as soon as one slot is not held so.
 */
export function hungChange(
  { presence, blockedSince }: Seen,
  time: { elapsedMs: number; hungAfterMs: number },
): 'hung' | 'recovered' | undefined {
  if (presence.hung) return blockedSince === undefined ? 'recovered' : undefined
  return blockedSince !== undefined && time.elapsedMs - blockedSince >= time.hungAfterMs ? 'hung' : undefined
}

/** An instance as `instances.list` shows it. */
export function instanceView(seen: Seen, { elapsedMs, cordon }: { elapsedMs: number; cordon: Cordon | undefined }): InstanceView {
  const { handlers, ...rest } = seen.presence
  return {
    ...rest,
    handlers: handlers.map((handler) => handler.name),
    load: seen.load,
    ...(cordon ? { cordoned: cordon } : {}),
    silentMs: Math.round(elapsedMs - seen.heardAt),
  }
}
