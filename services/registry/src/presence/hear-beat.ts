import { type Beat, beatSchema, parseInput, subjects } from '@carillon/contracts'
import type { RegistryParts } from '../parts.ts'
import { noteHung } from './note-hung.ts'
import { type InstanceName, instanceName, isOtherSession, presenceKey } from './rules/presence.ts'

/**
 * A heartbeat. Whatever its body says, it is a sign of life; an empty one is enough. Only that of another process of the same name is none.
 * @throws CarillonError INVALID_NAME, INVALID_REQUEST: the message is rejected
 */
export async function hearBeat(parts: RegistryParts, from: { namespace: string; instance: string }, body: unknown): Promise<void> {
  const name = instanceName(from.namespace, from.instance)
  const key = presenceKey(name)
  const { beat, refusal } = readBeat(body)
  const session = beat?.session
  const known = parts.roster.get(key)
  const isKnown = known !== undefined && !isOtherSession(known.presence.session, session)
  if (isKnown) parts.roster.hear(key, parts.time.elapsedMs)
  if (beat === undefined) throw refusal
  if (!isKnown && !(await greetStranger(parts, name, session))) return
  parts.roster.load(key, loadOf(beat), parts.time.elapsedMs)
  await noteHung(parts, key)
}

function readBeat(body: unknown): { beat?: Beat; refusal?: unknown } {
  try {
    return { beat: parseInput(beatSchema, body ?? {}, 'beat') }
  } catch (refusal) {
    return { refusal }
  }
}

function loadOf({ session: _, ...load }: Beat): Beat {
  return load
}

/**
 * Another registry may have just registered it; otherwise it is asked to register. Its beat is not at fault if that fails: the next comes soon.
 * @returns whether it is known now
 */
async function greetStranger(parts: RegistryParts, name: InstanceName, session: string | undefined): Promise<boolean> {
  const key = presenceKey(name)
  if (!parts.strangers.allows(key, parts.clock.monotonic())) return false
  try {
    const entry = await parts.bucket.read(key)
    const isKnown = entry !== undefined && !isOtherSession(entry.presence.session, session)
    if (isKnown) parts.roster.keep(key, entry, parts.time.elapsedMs)
    else parts.broker.connection.publish(subjects.control(name.namespace, name.instance), JSON.stringify({ type: 'register' }))
    return isKnown
  } catch (error) {
    parts.log.warn({ evt: 'stranger.unanswered', ...name, err: error }, 'an unknown instance could not be asked to register')
    return false
  }
}
