import { type Hung, hungSchema, parseInput } from '@carillon/contracts'
import type { SendOrders } from '../cordons/send-orders.ts'
import type { RegistryParts } from '../parts.ts'
import { instanceName, presenceKey } from './rules/presence.ts'
import { type HungChange, hungChange, idleChange, type Seen } from './rules/seen.ts'

type Parts = Pick<RegistryParts, 'roster' | 'time' | 'hungAfterMs' | 'bucket' | 'events' | 'log'> & {
  readonly orders: Pick<SendOrders, 'send'>
}

/**
 * Writes into presence that an instance has become hung or has recovered, once per change: after its beat, or because a coordinator says that it is idle. Every registry
 * decides this independently; the one whose write names the entry's present revision publishes the event. A write that fails is tried again with the next beat.
 */
export class RecordHung {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** After a beat. */
  async execute(key: string): Promise<void> {
    const { roster, time, hungAfterMs } = this.#parts
    const seen = roster.get(key)
    if (seen) await this.#write(key, seen, hungChange(seen, { elapsedMs: time.elapsedMs, hungAfterMs }))
  }

  /** A coordinator has found that nothing comes of its tasks. @throws CarillonError INVALID_NAME, INVALID_REQUEST: the message is rejected */
  async idle(from: { namespace: string; instance: string }, body: unknown): Promise<void> {
    const name = instanceName(from.namespace, from.instance)
    const hung: Hung = parseInput(hungSchema, body, 'hung')
    const seen = this.#parts.roster.get(presenceKey(name))
    if (seen) await this.#write(presenceKey(name), seen, idleChange(seen, hung))
  }

  async #write(key: string, seen: Seen, change: HungChange | undefined): Promise<void> {
    if (change === undefined) return
    const { roster, time, bucket, events, orders, log } = this.#parts
    try {
      const entry = await bucket.replace(key, change.presence, seen.revision)
      if (!entry) return
      roster.follow(key, entry, time.elapsedMs)
      if (change.event) events.publish(change.event, entry)
      // At once: what waits there may run elsewhere. The order is repeated, and taken back, by what its beats say.
      if (entry.presence.hungIdleMs !== undefined) orders.send(entry.presence, 'cordon')
    } catch (error) {
      log.warn(
        { evt: 'instance.hung-unsaved', key, event: change.event, err: error },
        'a change of a hung instance could not be saved; trying again',
      )
    }
  }
}
