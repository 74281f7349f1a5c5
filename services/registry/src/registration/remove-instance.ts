import type { RegistryParts } from '../parts.ts'
import { instanceName, isOtherSession, presenceKey } from '../presence/rules/presence.ts'

/** An instance registers and leaves in the same moment; it settles at once. */
const TRIES = 5

/**
 * An instance says goodbye: gone at once. Leaving twice, or without having been here, is the same. A process whose name another one has taken
 * over meanwhile takes nobody with it.
 */
export async function removeInstance(
  parts: RegistryParts,
  namespace: string,
  { instance, session }: { instance: string; session?: string | undefined },
): Promise<{ left: true }> {
  const key = presenceKey(instanceName(namespace, instance))
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const entry = await parts.bucket.read(key)
    if (!entry || isOtherSession(entry.presence.session, session)) break
    if ((await parts.bucket.remove(key, entry.revision)) === 'changed') continue
    parts.roster.drop(key, entry.revision)
    parts.events.publish('left', entry)
    break
  }
  return { left: true }
}
