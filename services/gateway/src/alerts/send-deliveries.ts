import { CarillonError } from '@carillon/contracts'
import type { AlertChannelRecord, DeliveryRecord } from '@carillon/store'
import { messageId } from './alert-ids.ts'
import type { AlertsParts } from './alerts-parts.ts'
import type { Notice, Outcome } from './channels/channel.ts'
import { claimed, postponed, recorded, roomOf } from './rules/sending.ts'
import type { SendToChannel } from './send-to-channel.ts'

type Parts = Pick<AlertsParts, 'store' | 'clock' | 'log'> & { readonly sendToChannel: SendToChannel }

/** Notices in one digest: what a person reads, and a message of a chat holds. */
const DIGEST_NOTICES = 20
/** Of one channel in one round. */
const AT_ONCE = 50

/**
 * Sends what is due: claims a delivery by a conditional write, sends, and records the outcome. A gateway that dies between sending and recording sends again after its lease:
 * the receiver knows the repetition by the id.
 */
export class SendDeliveries {
  readonly #parts: Parts
  /** Channels to which this gateway sends now: one after another. */
  readonly #busy = new Set<string>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async execute(ids: readonly string[]): Promise<void> {
    const due = (await this.#parts.store.deliveries.get(ids)).filter((delivery) => delivery !== undefined)
    const channels = [...new Set(due.map(({ channel }) => channel))].filter((channel) => !this.#busy.has(channel))
    await Promise.all(channels.map((channel) => this.#sendAll(channel)))
  }

  async #sendAll(id: string): Promise<void> {
    this.#busy.add(id)
    try {
      const now = this.#parts.clock.now()
      const waiting = await this.#parts.store.deliveries.waiting({ channel: id, limit: AT_ONCE })
      await this.#sendDue(id, dueOf(waiting, now))
    } catch (error) {
      this.#parts.log.warn({ evt: 'alerts.unsent', channel: id, err: error }, 'messages of a channel could not be sent; trying again')
    } finally {
      this.#busy.delete(id)
    }
  }

  async #sendDue(id: string, due: readonly DeliveryRecord[]): Promise<void> {
    const { store, clock, sendToChannel } = this.#parts
    for (let rest = due; rest.length > 0; ) {
      const [channel] = await store.alertChannels.get([id])
      if (!channel?.channel.enabled || channel.state.disabled) {
        await this.#refuse(rest, channel)
        return
      }
      const { limit, isDigestible } = sendToChannel.traitsOf(channel)
      const { room, nextAt } = roomOf(channel.state, limit, clock.now())
      if (room === 0) {
        await Promise.all(rest.map((delivery) => store.deliveries.replace(postponed(delivery, nextAt), delivery)))
        return
      }
      const count = isDigestible && rest.length > room ? DIGEST_NOTICES : 1
      await this.#sendTogether(channel, rest.slice(0, count))
      rest = rest.slice(count)
    }
  }

  async #sendTogether(channel: AlertChannelRecord, deliveries: readonly DeliveryRecord[]): Promise<void> {
    const { store, clock, sendToChannel } = this.#parts
    const held: DeliveryRecord[] = []
    for (const delivery of deliveries) {
      const next = claimed(delivery, clock.now())
      if ((await store.deliveries.replace(next, delivery)) === 'applied') held.push(next)
    }
    if (held.length === 0) return
    const busy = await sendToChannel.reserve(channel.id)
    if (busy) {
      await this.#record(held, { is: 'retry', answer: 'the channel has sent as much as it may', afterMs: busy.nextAt - clock.now() })
      return
    }
    const notices = held.map(noticeOf)
    const id = notices.length === 1 ? (notices[0] as Notice).id : messageId(held.map((delivery) => delivery.id).join())
    await this.#record(held, await this.#send(channel, id, notices))
  }

  async #send(channel: AlertChannelRecord, id: string, notices: readonly Notice[]): Promise<Outcome> {
    const { log, sendToChannel } = this.#parts
    try {
      return await sendToChannel.send(channel, id, notices)
    } catch (error) {
      log.error({ evt: 'alerts.failed', channel: channel.id, err: error }, 'a channel failed; the message is sent again')
      return { is: 'retry', answer: CarillonError.from(error).message }
    }
  }

  async #record(held: readonly DeliveryRecord[], outcome: Outcome): Promise<void> {
    const { store, clock, log } = this.#parts
    for (const delivery of held) {
      const next = recorded(delivery, outcome, clock.now())
      if (next.state === 'refused') {
        const { id, channel } = delivery
        log.warn(
          { evt: 'alerts.refused', delivery: id, channel, answer: outcome.answer },
          'a message was given up: its channel does not take it',
        )
      }
      await store.deliveries.replace(next, delivery)
    }
  }

  async #refuse(deliveries: readonly DeliveryRecord[], channel: AlertChannelRecord | undefined): Promise<void> {
    const why = channel === undefined ? 'the channel was removed' : (channel.state.disabled?.why ?? 'the channel is disabled')
    await this.#record(deliveries, { is: 'refused', answer: why })
  }
}

const noticeOf = ({ id, namespace, transition, message }: DeliveryRecord): Notice => ({
  id: messageId(id),
  namespace,
  transition,
  incident: message,
})

/** Of each incident the first that waits: nobody is told that something is over before they were told that it is there. */
function dueOf(waiting: readonly DeliveryRecord[], now: number): DeliveryRecord[] {
  const first = new Map<string, DeliveryRecord>()
  for (const delivery of waiting) if (!first.has(delivery.incident)) first.set(delivery.incident, delivery)
  return [...first.values()].filter(({ wakeAt }) => wakeAt !== null && wakeAt <= now)
}
