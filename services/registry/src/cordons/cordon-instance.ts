import { CarillonError, type Cordon, printable } from '@carillon/contracts'
import type { RegistryParts } from '../parts.ts'
import { type InstanceName, instanceName, presenceKey } from '../presence/rules/presence.ts'
import type { Seen } from '../presence/rules/seen.ts'
import type { SendOrders } from './send-orders.ts'

type Parts = Pick<RegistryParts, 'bucket' | 'roster' | 'cordons' | 'time' | 'clock' | 'events'> & { readonly orders: SendOrders }

/** Instances that an error names. */
const NAMES_SHOWN = 10

/**
 * Cordons a live instance. The entry in the bucket decides: coordinators follow it and offer nothing more; the order to the executor only makes it quick, for the
 * executor hears the same in the answer to its registration, and again while its beats say otherwise.
 */
export class CordonInstance {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** A repetition replaces who said it and why. @throws CarillonError INVALID_NAME, INSTANCE_UNKNOWN, NATS_UNAVAILABLE */
  async execute(namespace: string, { instance, by, note }: { instance: string; by?: string | undefined; note?: string | undefined }) {
    const { bucket, cordons, clock, events, orders } = this.#parts
    const name = instanceName(namespace, instance)
    const key = presenceKey(name)
    const seen = await this.find(name)
    const at = new Date(clock.now()).toISOString()
    const cordon: Cordon = { at, ...(by === undefined ? {} : { by }), ...(note === undefined ? {} : { note }) }
    const isNew = cordons.get(key) === undefined
    const revision = await bucket.cordon(key, cordon)
    cordons.follow(key, revision, cordon)
    orders.send(name, 'cordon')
    if (isNew) events.publish('cordoned', { ...seen, revision })
    return seen
  }

  /** @throws CarillonError INSTANCE_UNKNOWN */
  async find(name: InstanceName): Promise<Seen> {
    const { bucket, roster, time } = this.#parts
    const key = presenceKey(name)
    // Another registry may have just registered it.
    const entry = roster.get(key) ? undefined : await bucket.read(key)
    if (entry) roster.keep(key, entry, time.elapsedMs)
    const seen = roster.get(key)
    if (seen) return seen
    const live = roster.list(name.namespace).map(({ presence }) => presence.instance)
    const these = live.length > 0 ? `These live: ${live.slice(0, NAMES_SHOWN).join(', ')}` : 'None lives'
    throw new CarillonError('INSTANCE_UNKNOWN', `no live instance has the id ${printable(name.instance)}`, {
      field: 'instance',
      value: printable(name.instance),
      hint: `${these}${live.length > NAMES_SHOWN ? ` and ${live.length - NAMES_SHOWN} more` : ''}.`,
      retry: false,
    })
  }
}
