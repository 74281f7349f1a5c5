import type { Presence } from '@carillon/contracts'
import type { RegistryParts } from '../parts.ts'
import { hungChange } from './rules/seen.ts'

type Parts = Pick<RegistryParts, 'roster' | 'time' | 'hungAfterMs' | 'bucket' | 'events' | 'log'>

/**
 * After a beat: writes into presence that the instance has become hung or has recovered, once per change. Every registry decides this independently;
 * the one whose write names the entry's present revision publishes the event. A write that fails is tried again with the next beat.
 */
export class RecordHung {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async execute(key: string): Promise<void> {
    const { roster, time, hungAfterMs, bucket, events, log } = this.#parts
    const seen = roster.get(key)
    const change = seen && hungChange(seen, { elapsedMs: time.elapsedMs, hungAfterMs })
    if (!change) return
    const { hung: _, ...rest } = seen.presence
    const presence: Presence = change === 'hung' ? { ...rest, hung: true } : rest
    try {
      const entry = await bucket.replace(key, presence, seen.revision)
      if (!entry) return
      roster.follow(key, entry, time.elapsedMs)
      events.publish(change, entry)
    } catch (error) {
      log.warn({ evt: 'instance.hung-unsaved', key, change, err: error }, 'a change of a hung instance could not be saved; trying again')
    }
  }
}
