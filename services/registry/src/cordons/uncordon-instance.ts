import type { RegistryParts } from '../parts.ts'
import { instanceName, presenceKey } from '../presence/rules/presence.ts'
import type { CordonInstance } from './cordon-instance.ts'
import type { SendOrders } from './send-orders.ts'

type Parts = Pick<RegistryParts, 'bucket' | 'roster' | 'cordons' | 'events'> & {
  readonly orders: SendOrders
  readonly cordonInstance: CordonInstance
}

/** Removes the cordon of an instance, also of one that is gone. The call is idempotent. */
export class UncordonInstance {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws CarillonError INVALID_NAME, INSTANCE_UNKNOWN when it neither lives nor is cordoned, NATS_UNAVAILABLE */
  async execute(namespace: string, instance: string): Promise<{ instance: string; uncordoned: boolean }> {
    const { bucket, roster, cordons, events, orders, cordonInstance } = this.#parts
    const name = instanceName(namespace, instance)
    const key = presenceKey(name)
    const found = await bucket.readCordon(key)
    if (found === undefined) await cordonInstance.find(name)
    else await bucket.uncordon(key)
    cordons.drop(key)
    // One of whose tasks nothing comes takes no work for that reason.
    if (!orders.isOff(key)) orders.send(name, 'uncordon')
    const seen = roster.get(key)
    if (found && seen) events.publish('uncordoned', { ...seen, revision: found.revision })
    return { instance, uncordoned: found !== undefined }
  }
}
