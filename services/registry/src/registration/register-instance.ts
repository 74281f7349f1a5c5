import { CarillonError, PROTOCOL_VERSION, type Presence, type Registered, type Registration } from '@carillon/contracts'
import type { RegistryParts } from '../parts.ts'
import { instanceName, presenceKey, presenceOf } from '../presence/rules/presence.ts'
import type { Entry } from '../presence/rules/seen.ts'

type Parts = Pick<
  RegistryParts,
  'clock' | 'horizon' | 'consumers' | 'bucket' | 'sessions' | 'roster' | 'cordons' | 'time' | 'events' | 'beatMs' | 'lostAfterMs'
>

/**
 * Registers an instance: first the queues of its handlers, then its presence, so that work can be sent to every visible instance. A repetition
 * changes nothing; a new registration of a known instance replaces the old one, unless that belongs to another live process.
 */
export class RegisterInstance {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws CarillonError INVALID_NAME, HANDLER_EXISTS, INSTANCE_TAKEN, QUEUE_FULL, NATS_UNAVAILABLE */
  async execute(namespace: string, registration: Registration): Promise<Registered> {
    const { clock, horizon, consumers, roster, cordons, time, events, beatMs, lostAfterMs } = this.#parts
    const key = presenceKey(instanceName(namespace, registration.instance))
    const presence = presenceOf(namespace, registration, new Date(clock.now()).toISOString())
    const handlers = presence.handlers.map((handler) => handler.name)
    const [claimUpTo, made] = await Promise.all([horizon.sequence(), consumers.ensure(namespace, handlers)])
    const { entry, before } = await this.#write(key, presence)
    roster.keep(key, entry, time.elapsedMs)
    const isSuccessor = before !== undefined && before.presence.session !== presence.session
    if (before && isSuccessor) events.publish('lost', before)
    if (isSuccessor || before === undefined) events.publish('joined', entry)
    const isOff = cordons.get(key) !== undefined || entry.presence.hungIdleMs !== undefined
    const cordoned = isOff ? { cordoned: true as const } : {}
    return { protocol: PROTOCOL_VERSION, consumers: made, claimUpTo, beatMs, lostAfterMs, ...cordoned }
  }

  /** Answers the entry that was written, and the one that it replaced. */
  async #write(key: string, presence: Presence): Promise<{ entry: Entry; before: Entry | undefined }> {
    let before: Entry | undefined
    const entry = await this.#parts.bucket.write(key, async (replaced) => {
      before = replaced
      const isSame = replaced?.presence.session === presence.session
      if (replaced && !isSame) await this.#checkFree(replaced.presence)
      if (!replaced || !isSame) return presence
      // The same process: what its beats have reported holds until the next one.
      const { since, hung, hungIdleMs } = replaced.presence
      return { ...presence, since, ...(hung ? { hung } : {}), ...(hungIdleMs === undefined ? {} : { hungIdleMs }) }
    })
    return { entry, before }
  }

  /**
   * Two processes of one name would both receive offers that are meant for one. One without a session cannot be queried: it is replaced.
   * @throws CarillonError INSTANCE_TAKEN
   */
  async #checkFree({ namespace, instance, session, service, since }: Presence): Promise<void> {
    if (session === undefined || !(await this.#parts.sessions.isAlive({ namespace, instance }, session))) return
    throw new CarillonError(
      'INSTANCE_TAKEN',
      `instance ${instance} is a process of service ${service} that lives, registered since ${since}`,
      { field: 'instance', value: instance },
    )
  }
}
