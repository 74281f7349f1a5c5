import type { Presence } from '@carillon/contracts'
import type { RegistryParts } from '../parts.ts'
import { hungChange } from './rules/seen.ts'

/**
 * After a beat: writes into presence that the instance has become hung or has recovered, once per change. Every registry comes to this by itself;
 * the one whose write names the entry's present revision publishes the event. A write that fails is tried again with the next beat.
 */
export async function noteHung(parts: RegistryParts, key: string): Promise<void> {
  const seen = parts.roster.get(key)
  const change = seen && hungChange(seen, { elapsedMs: parts.time.elapsedMs, hungAfterMs: parts.hungAfterMs })
  if (!change) return
  const { hung: _, ...rest } = seen.presence
  const presence: Presence = change === 'hung' ? { ...rest, hung: true } : rest
  try {
    const entry = await parts.bucket.replace(key, presence, seen.revision)
    if (!entry) return
    parts.roster.follow(key, entry, parts.time.elapsedMs)
    parts.events.publish(change, entry)
  } catch (error) {
    parts.log.warn(
      { evt: 'instance.hung-unsaved', key, change, err: error },
      'a change of a hung instance could not be saved; trying again',
    )
  }
}
