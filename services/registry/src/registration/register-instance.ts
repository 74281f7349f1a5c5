import { CarillonError, PROTOCOL_VERSION, type Presence, type Registered, type Registration } from '@carillon/contracts'
import type { RegistryParts } from '../parts.ts'
import { instanceName, presenceKey, presenceOf } from '../presence/rules/presence.ts'
import type { Entry } from '../presence/rules/seen.ts'

/**
 * Registers an instance: first the queues of its handlers, then its presence, so that whoever sees it may send it work. The same again
 * changes nothing; a new registration of a known instance replaces the old one, unless that belongs to another process which lives.
 * @throws CarillonError INVALID_NAME, HANDLER_EXISTS, INSTANCE_TAKEN, QUEUE_FULL, NATS_UNAVAILABLE
 */
export async function registerInstance(parts: RegistryParts, namespace: string, registration: Registration): Promise<Registered> {
  const key = presenceKey(instanceName(namespace, registration.instance))
  const presence = presenceOf(namespace, registration, new Date(parts.clock.now()).toISOString())
  const [claimUpTo, consumers] = await Promise.all([
    parts.horizon.sequence(),
    parts.consumers.ensure(
      namespace,
      presence.handlers.map((handler) => handler.name),
    ),
  ])
  let before: Entry | undefined
  const entry = await parts.bucket.write(key, async (replaced) => {
    before = replaced
    const isSame = replaced?.presence.session === presence.session
    if (replaced && !isSame) await checkFree(parts, replaced.presence)
    if (!replaced || !isSame) return presence
    // The same process goes on: what its beats have said of it holds until they say otherwise.
    const { since, hung } = replaced.presence
    return { ...presence, since, ...(hung ? { hung } : {}) }
  })
  parts.roster.keep(key, entry, parts.time.elapsedMs)
  const isSuccessor = before !== undefined && before.presence.session !== presence.session
  if (before && isSuccessor) parts.events.publish('lost', before)
  if (isSuccessor || before === undefined) parts.events.publish('joined', entry)
  return { protocol: PROTOCOL_VERSION, consumers, claimUpTo, beatMs: parts.beatMs, lostAfterMs: parts.lostAfterMs }
}

/**
 * Two processes of one name would both be offered what is meant for one. One that has told no session cannot be asked: it is replaced.
 * @throws CarillonError INSTANCE_TAKEN
 */
async function checkFree(parts: RegistryParts, { namespace, instance, session, service, since }: Presence): Promise<void> {
  if (session === undefined || !(await parts.sessions.isAlive({ namespace, instance }, session))) return
  throw new CarillonError(
    'INSTANCE_TAKEN',
    `instance ${instance} is a process of service ${service} that lives, registered since ${since}`,
    {
      field: 'instance',
      value: instance,
    },
  )
}
