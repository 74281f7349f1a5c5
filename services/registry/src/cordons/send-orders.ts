import { subjects } from '@carillon/contracts'
import type { RegistryParts } from '../parts.ts'
import { type InstanceName, presenceKey } from '../presence/rules/presence.ts'

type Parts = Pick<RegistryParts, 'broker' | 'bucket' | 'roster' | 'cordons' | 'log'>

/**
 * Orders executors to take no work, because an operator has cordoned them or nothing comes of their tasks, or to take it again. An order may be lost: it is repeated while
 * the beats of the executor say otherwise.
 */
export class SendOrders {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  send({ namespace, instance }: InstanceName, type: 'cordon' | 'uncordon'): void {
    this.#parts.broker.connection.publish(subjects.control(namespace, instance), JSON.stringify({ type }))
  }

  /** Whether the instance is to take no work, as far as this registry knows. */
  isOff(key: string): boolean {
    const { roster, cordons } = this.#parts
    return cordons.get(key) !== undefined || roster.get(key)?.presence.hungIdleMs !== undefined
  }

  /** @param saidCordoned what a beat says; undefined: an executor that does not say it. The bucket is asked: this registry may not have heard of a change. */
  async repair(name: InstanceName, saidCordoned: boolean | undefined): Promise<void> {
    const { bucket, log } = this.#parts
    const key = presenceKey(name)
    if (saidCordoned === undefined || saidCordoned === this.isOff(key)) return
    try {
      const [cordon, entry] = await Promise.all([bucket.readCordon(key), bucket.read(key)])
      const isOff = cordon !== undefined || entry?.presence.hungIdleMs !== undefined
      if (isOff !== saidCordoned) this.send(name, isOff ? 'cordon' : 'uncordon')
    } catch (error) {
      log.warn({ evt: 'cordon.unread', ...name, err: error }, 'whether an instance is cordoned could not be read; trying again')
    }
  }
}
