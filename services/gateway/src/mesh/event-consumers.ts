import { SUBJECT_ROOT } from '@carillon/contracts'
import { type Broker, ensureConsumer, type Kept } from '@carillon/runtime'

/** A durable consumer on stream EVENTS that all gateways share. */
export interface EventConsumer {
  readonly name: string
  /** After `carillon.<namespace>.`, as `event.run.*.failed`. */
  readonly events: readonly string[]
  /** Messages that may be delivered again at once. */
  readonly maxPending: number
}

/** Stream EVENTS with the consumers of the gateways. */
export const withConsumers = (kept: Kept, broker: Broker, consumers: readonly EventConsumer[]): Kept => ({
  stream: kept.stream,
  ensure: async (room) => {
    const observed = await kept.ensure(room)
    if (observed === undefined) return undefined
    for (const { name, events, maxPending } of consumers) {
      await ensureConsumer(broker.manager, kept.stream, {
        durable_name: name,
        filter_subjects: events.map((event) => `${SUBJECT_ROOT}.*.${event}`),
        max_ack_pending: maxPending,
        lastSequence: observed.lastSequence,
      })
    }
    return observed
  },
})
