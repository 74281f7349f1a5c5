import { subjects } from '@carillon/contracts'
import type { RegistryParts } from '../parts.ts'
import { type InstanceName, presenceKey } from '../presence/rules/presence.ts'

type Parts = Pick<RegistryParts, 'broker' | 'bucket' | 'cordons' | 'log'>

/** Tells executors that they are cordoned, or not any more. An order may be lost: it is repeated while the beats of the executor say otherwise. */
export class SendOrders {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  send({ namespace, instance }: InstanceName, type: 'cordon' | 'uncordon'): void {
    this.#parts.broker.connection.publish(subjects.control(namespace, instance), JSON.stringify({ type }))
  }

  /** @param saidCordoned what a beat says; undefined: an executor that does not say it. The bucket is asked: this registry may not have heard of a change. */
  async repair(name: InstanceName, saidCordoned: boolean | undefined): Promise<void> {
    const { bucket, cordons, log } = this.#parts
    const key = presenceKey(name)
    if (saidCordoned === undefined || saidCordoned === (cordons.get(key) !== undefined)) return
    try {
      const isCordoned = (await bucket.readCordon(key)) !== undefined
      if (isCordoned !== saidCordoned) this.send(name, isCordoned ? 'cordon' : 'uncordon')
    } catch (error) {
      log.warn({ evt: 'cordon.unread', ...name, err: error }, 'whether an instance is cordoned could not be read; trying again')
    }
  }
}
