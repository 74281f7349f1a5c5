import { beatSchema, parseInput, subjects } from '@carillon/contracts'
import { type InstanceName, instanceName, presenceKey } from '../domain/presence.ts'
import type { RegistryParts } from './parts.ts'

/**
 * A heartbeat. Whatever its body says, it is a sign of life; an empty one is enough.
 * @throws CarillonError INVALID_NAME, INVALID_REQUEST: the message is set aside
 */
export async function hearBeat(parts: RegistryParts, from: { namespace: string; instance: string }, body: unknown): Promise<void> {
  const name = instanceName(from.namespace, from.instance)
  const key = presenceKey(name)
  const isKnown = parts.roster.hear(key, parts.time.elapsedMs)
  const load = parseInput(beatSchema, body ?? {}, 'beat')
  if (!isKnown) await greetStranger(parts, name)
  parts.roster.load(key, load)
}

/** Another registry may have just taken it in; otherwise it is asked to register. Its beat is not at fault if that fails: the next comes soon. */
async function greetStranger(parts: RegistryParts, name: InstanceName): Promise<void> {
  const key = presenceKey(name)
  if (!parts.strangers.allows(key, parts.clock.now())) return
  try {
    const entry = await parts.bucket.read(key)
    if (entry) parts.roster.keep(key, entry, parts.time.elapsedMs)
    else parts.broker.connection.publish(subjects.control(name.namespace, name.instance), JSON.stringify({ type: 'register' }))
  } catch (error) {
    parts.log.warn({ evt: 'stranger.unanswered', ...name, err: error }, 'an unknown instance could not be asked to register')
  }
}
