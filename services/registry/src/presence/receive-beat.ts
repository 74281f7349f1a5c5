import { type Beat, beatSchema, parseInput, subjects } from '@carillon/contracts'
import type { SendOrders } from '../cordons/send-orders.ts'
import type { RegistryParts } from '../parts.ts'
import type { RecordHung } from './record-hung.ts'
import { type InstanceName, instanceName, isOtherSession, presenceKey } from './rules/presence.ts'

type Parts = Pick<RegistryParts, 'roster' | 'time' | 'unknownInstances' | 'clock' | 'bucket' | 'broker' | 'log'> & {
  readonly recordHung: RecordHung
  readonly orders: Pick<SendOrders, 'repair'>
}

/** A heartbeat. It is a sign of life whatever its body holds, also an empty one, unless it is of another process of the same name. */
export class ReceiveBeat {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws CarillonError INVALID_NAME, INVALID_REQUEST: the message is rejected */
  async execute(from: { namespace: string; instance: string }, body: unknown): Promise<void> {
    const { roster, time, recordHung, orders } = this.#parts
    const name = instanceName(from.namespace, from.instance)
    const key = presenceKey(name)
    const { beat, refusal } = readBeat(body)
    const session = beat?.session
    const known = roster.get(key)
    const isKnown = known !== undefined && !isOtherSession(known.presence.session, session)
    if (isKnown) roster.hear(key, time.elapsedMs)
    if (beat === undefined) throw refusal
    if (!isKnown && !(await this.#requestRegistration(name, session))) return
    roster.load(key, loadOf(beat), time.elapsedMs)
    await recordHung.execute(key)
    await orders.repair(name, beat.cordoned)
  }

  /**
   * Another registry may have just registered the unknown instance; otherwise it is asked to register. A failure does not reject the beat: the
   * next comes soon.
   * @returns whether it is known now
   */
  async #requestRegistration(name: InstanceName, session: string | undefined): Promise<boolean> {
    const { unknownInstances, clock, bucket, roster, time, broker, log } = this.#parts
    const key = presenceKey(name)
    if (!unknownInstances.allows(key, clock.monotonic())) return false
    try {
      const entry = await bucket.read(key)
      const isKnown = entry !== undefined && !isOtherSession(entry.presence.session, session)
      if (isKnown) roster.keep(key, entry, time.elapsedMs)
      else broker.connection.publish(subjects.control(name.namespace, name.instance), JSON.stringify({ type: 'register' }))
      return isKnown
    } catch (error) {
      log.warn({ evt: 'stranger.unanswered', ...name, err: error }, 'an unknown instance could not be asked to register')
      return false
    }
  }
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
