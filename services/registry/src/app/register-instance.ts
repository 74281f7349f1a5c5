import type { Registered, Registration } from '@carillon/contracts'
import { instanceName, presenceKey, presenceOf } from '../domain/presence.ts'
import type { RegistryParts } from './parts.ts'

/**
 * Takes an instance in: first the queues of its handlers, then its presence, so that whoever sees it may send it work. The same again
 * changes nothing; a new registration of a known instance replaces the old one.
 * @throws CarillonError INVALID_NAME, HANDLER_EXISTS, QUEUE_FULL, NATS_UNAVAILABLE
 */
export async function registerInstance(parts: RegistryParts, namespace: string, registration: Registration): Promise<Registered> {
  const key = presenceKey(instanceName(namespace, registration.instance))
  const presence = presenceOf(namespace, registration, new Date(parts.clock.now()).toISOString())
  const consumers = await parts.consumers.ensure(
    namespace,
    presence.handlers.map((handler) => handler.name),
  )
  const entry = await parts.bucket.write(key, (replaced) => ({ ...presence, since: replaced?.since ?? presence.since }))
  parts.roster.keep(key, entry, parts.time.elapsedMs)
  if (entry.isNew) parts.events.publish('joined', entry)
  return { consumers, beatMs: parts.beatMs, lostAfterMs: parts.lostAfterMs }
}
