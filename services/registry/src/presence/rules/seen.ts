import type { Beat, InstanceView, Presence } from '@carillon/contracts'
import { isOtherSession } from './presence.ts'

/** An entry of the presence bucket. */
export interface Entry {
  readonly presence: Presence
  /** Of the bucket: who changes the entry names the revision he has seen. */
  readonly revision: number
}

/** A live instance and what was heard of it. Times are `TickedTime.elapsedMs`. */
export interface Seen extends Entry {
  readonly heardAt: number
  readonly load: Beat
  /** Since when every beat has said that stuck handlers hold all slots. */
  readonly blockedSince?: number | undefined
}

const NO_LOAD: Beat = { cpu: 0, memoryBytes: 0, eventLoopDelayMs: 0, running: 0, stuck: 0, stuckTasks: [] }

/** What was heard of the same process before stays. */
export function seenOf(entry: Entry, before: Seen | undefined, elapsedMs: number): Seen {
  const isSame = !isOtherSession(before?.presence.session, entry.presence.session)
  return { ...entry, heardAt: elapsedMs, load: before?.load ?? NO_LOAD, blockedSince: isSame ? before?.blockedSince : undefined }
}

/**
 * Which change of presence the newest beat asks for: *hung* when stuck handlers have held every slot for `hungAfterMs`, *recovered*
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
export function instanceView(seen: Seen, elapsedMs: number): InstanceView {
  const { handlers, ...rest } = seen.presence
  return { ...rest, handlers: handlers.map((handler) => handler.name), load: seen.load, silentMs: Math.round(elapsedMs - seen.heardAt) }
}
