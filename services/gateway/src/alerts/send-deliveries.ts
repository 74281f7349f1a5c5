import { CarillonError } from '@carillon/contracts'
import type { AlertChannelRecord, DeliveryRecord } from '@carillon/store'
import { messageId } from './alert-ids.ts'
import type { AlertsParts } from './alerts-parts.ts'
import type { Notice, Outcome } from './channels/channel.ts'
import { claimed, isTooOld, postponed, recorded, released, roomOf, turnsOf } from './rules/sending.ts'
import type { SendToChannel } from './send-to-channel.ts'

type Parts = Pick<AlertsParts, 'store' | 'clock' | 'log' | 'known'> & { readonly sendToChannel: SendToChannel }

/** Of one channel in one round. */
const AT_ONCE = 50
/** Channels of one round. */
const CHANNELS_AT_ONCE = 100

/**
 * Sends what is due: claims a delivery by a conditional write, sends, and records the outcome. A gateway that dies between sending and recording sends again after its lease:
 * the receiver knows the repetition by the id. No channel waits for another one.
 */
export class SendDeliveries {
  readonly #parts: Parts
  /** Channels to which this gateway sends now: to each one message after another. */
  readonly #busy = new Map<string, Promise<void>>()
  /** The last channel of the round before, so that each has its turn where there are many. */
  #after = ''

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Begins to send what is due. @param signal no further message is begun once it aborts */
  async execute(signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#parts
    const channels = await store.deliveries.channelsDue({ until: clock.now(), after: this.#after, limit: CHANNELS_AT_ONCE })
    this.#after = channels.length === CHANNELS_AT_ONCE ? (channels.at(-1) as string) : ''
    for (const channel of channels) {
      if (this.#busy.has(channel)) continue
      const sending = this.#sendAll(channel, signal).finally(() => this.#busy.delete(channel))
      this.#busy.set(channel, sending)
    }
  }

  /** When nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#busy.values())
  }

  async #sendAll(id: string, signal: AbortSignal): Promise<void> {
    const { store, clock, log } = this.#parts
    try {
      const found = await store.deliveries.dueOf({ channel: id, until: clock.now(), limit: AT_ONCE })
      const { due, behind } = turnsOf(found, await this.#waitingBefore(found), clock.now())
      await Promise.all(behind.map(({ delivery, until }) => store.deliveries.replace(postponed(delivery, until), delivery)))
      await this.#sendDue(id, due, signal)
    } catch (error) {
      log.warn({ evt: 'alerts.unsent', channel: id, err: error }, 'messages of a channel could not be sent; trying again')
    }
  }

  /** What was to be said before about the same incidents: nothing, where they open. */
  async #waitingBefore(due: readonly DeliveryRecord[]): Promise<DeliveryRecord[]> {
    const incidents = [...new Set(due.flatMap(({ transition, incident }) => (transition === 'opened' ? [] : [incident])))]
    const all = await Promise.all(incidents.map((incident) => this.#parts.store.deliveries.of(incident)))
    return all.flat().filter(({ channel, state }) => state === 'waiting' && channel === due[0]?.channel)
  }

  async #sendDue(id: string, due: readonly DeliveryRecord[], signal: AbortSignal): Promise<void> {
    const { store, clock, sendToChannel } = this.#parts
    for (let rest = due; rest.length > 0 && !signal.aborted; ) {
      const [channel] = await store.alertChannels.get([id])
      rest = await this.#withoutUnwanted(rest, channel)
      if (rest.length === 0 || channel === undefined) return
      const { limit, noticesPerMessage } = sendToChannel.traitsOf(channel)
      const { room } = roomOf(channel.state, limit, clock.now())
      if (room === 0) return
      const count = rest.length > room ? noticesPerMessage : 1
      await this.#sendTogether(channel, rest.slice(0, count))
      rest = rest.slice(count)
    }
  }

  /** Gives up what is not to be sent any more. @returns the others */
  async #withoutUnwanted(deliveries: readonly DeliveryRecord[], channel: AlertChannelRecord | undefined): Promise<DeliveryRecord[]> {
    const { known, clock } = this.#parts
    const rest: DeliveryRecord[] = []
    for (const delivery of deliveries) {
      const rules = await known.of(delivery.namespace)
      const rule = rules.find(({ name }) => name === delivery.message.rule)
      const why = whyNot(delivery, { channel, isWanted: rule?.rule.enabled, now: clock.now() })
      if (why === undefined) rest.push(delivery)
      else await this.#record([delivery], { is: 'refused', answer: why })
    }
    return rest
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
      await Promise.all(held.map((delivery) => store.deliveries.replace(released(delivery, busy.nextAt), delivery)))
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
        log.warn({ evt: 'alerts.refused', delivery: id, channel, answer: outcome.answer }, 'a message was given up')
      }
      await store.deliveries.replace(next, delivery)
    }
  }
}

interface Wanted {
  readonly channel: AlertChannelRecord | undefined
  /** Undefined: its rule was removed. */
  readonly isWanted: boolean | undefined
  readonly now: number
}

/** Why a delivery is not sent, if it is not. */
function whyNot(delivery: DeliveryRecord, { channel, isWanted, now }: Wanted): string | undefined {
  if (channel === undefined) return 'the channel was removed'
  if (channel.state.disabled) return channel.state.disabled.why
  if (!channel.channel.enabled) return 'the channel is disabled'
  if (!isWanted) return isWanted === undefined ? 'its rule was removed' : 'its rule is disabled'
  const last = channel.state.last?.delivered === false ? `: ${channel.state.last.answer}` : ''
  return isTooOld(delivery, now) ? `it could not be sent for a day${last}` : undefined
}

const noticeOf = ({ id, namespace, transition, message }: DeliveryRecord): Notice => ({
  id: messageId(id),
  namespace,
  transition,
  incident: message,
})
