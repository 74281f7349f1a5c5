import type { RegistryParts } from '../parts.ts'
import { instanceName, isOtherSession, presenceKey } from '../presence/rules/presence.ts'

type Parts = Pick<RegistryParts, 'bucket' | 'roster' | 'events'>

/** An instance registers and leaves in the same moment; it settles at once. */
const TRIES = 5

/**
 * Removes an instance that leaves. The call is idempotent, and accepts unknown instances. A process whose name another one has taken over
 * since removes nothing.
 */
export class RemoveInstance {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async execute(namespace: string, { instance, session }: { instance: string; session?: string | undefined }): Promise<{ left: true }> {
    const { bucket, roster, events } = this.#parts
    const key = presenceKey(instanceName(namespace, instance))
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const entry = await bucket.read(key)
      if (!entry || isOtherSession(entry.presence.session, session)) break
      if ((await bucket.remove(key, entry.revision)) === 'changed') continue
      roster.drop(key, entry.revision)
      events.publish('left', entry)
      break
    }
    return { left: true }
  }
}
