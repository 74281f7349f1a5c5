import type { Beat, Cordon, Hung, InstanceView, Presence } from '@carillon/contracts'
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

/** What the newest beat changes of presence; `event`: what is to be published. */
export interface HungChange {
  readonly presence: Presence
  readonly event?: 'hung' | 'recovered'
}

/**
 * The change of presence that the newest beat causes: *hung* when stuck handlers have held every slot for `hungAfterMs`, *recovered* as soon as one slot
 * is not held so. One that a coordinator found to be idle has recovered when it has been idle for less than that: something has come of its tasks, or it holds none.
 */
export function hungChange(
  { presence, blockedSince, load }: Seen,
  time: { elapsedMs: number; hungAfterMs: number },
): HungChange | undefined {
  const { hung = false, hungIdleMs, ...rest } = presence
  const isBlocked = blockedSince !== undefined && ((hung && hungIdleMs === undefined) || time.elapsedMs - blockedSince >= time.hungAfterMs)
  const isIdle = hungIdleMs !== undefined && (load.idleMs ?? 0) >= hungIdleMs
  const isHung = isBlocked || isIdle
  if (isHung === hung && isIdle === (hungIdleMs !== undefined)) return undefined
  const changed = { ...rest, ...(isHung ? { hung: true } : {}), ...(isIdle ? { hungIdleMs } : {}) }
  return { presence: changed, ...(isHung === hung ? {} : { event: isHung ? ('hung' as const) : ('recovered' as const) }) }
}

/** The same when a coordinator has found that nothing comes of its tasks. What came of them since then counts. */
export function idleChange({ presence, load }: Seen, { session, idleMs }: Hung): HungChange | undefined {
  if (presence.session !== session || presence.hungIdleMs !== undefined || (load.idleMs ?? 0) < idleMs) return undefined
  return { presence: { ...presence, hung: true, hungIdleMs: idleMs }, ...(presence.hung ? {} : { event: 'hung' as const }) }
}

/** An instance as `instances.list` shows it. */
export function instanceView(seen: Seen, { elapsedMs, cordon }: { elapsedMs: number; cordon: Cordon | undefined }): InstanceView {
  const { handlers, ...rest } = seen.presence
  const programs = handlers.flatMap(({ program }) => program ?? [])
  return {
    ...rest,
    handlers: handlers.map((handler) => handler.name),
    ...(programs.length > 0 ? { programs } : {}),
    load: seen.load,
    ...(cordon ? { cordoned: cordon } : {}),
    silentMs: Math.round(elapsedMs - seen.heardAt),
  }
}
