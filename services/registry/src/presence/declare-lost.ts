import type { RegistryParts } from '../parts.ts'
import type { Seen } from './rules/seen.ts'

type Parts = Pick<RegistryParts, 'roster' | 'time' | 'lostAfterMs' | 'bucket' | 'events' | 'log'>

/** Removals under way at once: a lost rack is removed quickly, and the broker stays responsive. */
const AT_ONCE = 100

/**
 * Declares instances lost that were silent for too long. Every registry decides this independently; the one whose removal names the entry's present
 * revision is first and publishes the event, for the others the entry is removed already.
 */
export class DeclareLost {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async execute(): Promise<void> {
    const { roster, time, lostAfterMs } = this.#parts
    const silent = roster.silent(time.elapsedMs, lostAfterMs)
    for (let i = 0; i < silent.length; i += AT_ONCE)
      await Promise.all(silent.slice(i, i + AT_ONCE).map(([key, seen]) => this.#declare(key, seen)))
  }

  async #declare(key: string, seen: Seen): Promise<void> {
    const { bucket, roster, events, log } = this.#parts
    try {
      if ((await bucket.remove(key, seen.revision)) === 'changed') return
      roster.drop(key, seen.revision)
      events.publish('lost', seen)
    } catch (error) {
      log.warn({ evt: 'instance.lost-unsaved', key, err: error }, 'a silent instance could not be declared lost; trying again')
    }
  }
}
