import type { RegistryParts } from '../parts.ts'
import type { Seen } from './rules/seen.ts'

/** Removals under way at once: a lost rack is settled quickly, and the broker keeps answering others. */
const AT_ONCE = 100

/**
 * Whoever was silent for too long is lost. Every registry comes to this by itself; the one whose removal names the entry's present revision
 * is first and says so, for the others it is gone already.
 */
export async function declareLost(parts: RegistryParts): Promise<void> {
  const silent = parts.roster.silent(parts.time.elapsedMs, parts.lostAfterMs)
  for (let i = 0; i < silent.length; i += AT_ONCE)
    await Promise.all(silent.slice(i, i + AT_ONCE).map(([key, seen]) => declare(parts, key, seen)))
}

async function declare(parts: RegistryParts, key: string, seen: Seen): Promise<void> {
  try {
    if ((await parts.bucket.remove(key, seen.revision)) === 'changed') return
    parts.roster.drop(key, seen.revision)
    parts.events.publish('lost', seen)
  } catch (error) {
    parts.log.warn({ evt: 'instance.lost-unsaved', key, err: error }, 'a silent instance could not be declared lost; trying again')
  }
}
