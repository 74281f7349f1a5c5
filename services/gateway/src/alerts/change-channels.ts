import { type AlertChannel, type AlertChannelView, CarillonError, type ChannelTested, LIMITS, printable } from '@carillon/contracts'
import type { AlertChannelRecord } from '@carillon/store'
import type { AlertsParts } from './alerts-parts.ts'
import { channelOf } from './rules/definitions.ts'
import { alertId, channelNotFound, channelView } from './rules/views.ts'
import type { SendToChannel } from './send-to-channel.ts'

type Parts = Pick<AlertsParts, 'store' | 'clock' | 'turns' | 'known'> & { readonly sendToChannel: SendToChannel }

/** Puts, removes and tests alert channels. */
export class ChangeChannels {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws CarillonError INVALID_ALERT, TOO_MANY_ALERTS */
  async put(namespace: string, input: AlertChannel, by: string | undefined): Promise<AlertChannelView> {
    const { store, clock, turns, known } = this.#parts
    const id = alertId(namespace, input.name)
    const stored = await turns.take({ kind: 'alert channel', id, name: input.name, field: 'name' }, async () => {
      const [before] = await store.alertChannels.get([id])
      const channel = channelOf(input, { namespace, by, now: clock.now() }, before)
      if (before) return (await store.alertChannels.replace(channel, before)) === 'applied' ? channel : undefined
      await this.#checkRoom(namespace)
      return (await store.alertChannels.insert([channel]))[0] === 'created' ? channel : undefined
    })
    await known.changed(namespace, input.name, 'put')
    return channelView(stored)
  }

  async #checkRoom(namespace: string): Promise<void> {
    const { items } = await this.#parts.store.alertChannels.list({ namespace, limit: LIMITS.alertChannels })
    if (items.length >= LIMITS.alertChannels)
      throw new CarillonError('TOO_MANY_ALERTS', `namespace ${namespace} has ${LIMITS.alertChannels} channels, as many as it may have`)
  }

  /** @throws CarillonError ALERT_CHANNEL_NOT_FOUND, ALERT_CHANNEL_IN_USE */
  async remove(namespace: string, name: string): Promise<{ removed: true }> {
    const { store, turns, known } = this.#parts
    const rules = await store.alertRules.list({ namespace, limit: LIMITS.alertRules })
    const user = rules.items.find(({ rule }) => rule.channels.includes(name))
    if (user) {
      const message = `channel ${printable(name)} is used by alert rule ${printable(user.name)}`
      throw new CarillonError('ALERT_CHANNEL_IN_USE', message, { field: 'name', value: printable(name) })
    }
    await turns.take({ kind: 'alert channel', id: alertId(namespace, name), name, field: 'name' }, async () => {
      const before = await this.#get(namespace, name)
      return (await store.alertChannels.remove(before.id, before)) === 'applied' ? true : undefined
    })
    await known.changed(namespace, name, 'removed')
    return { removed: true }
  }

  /** Sends a real message, and answers what the other side said. @throws CarillonError ALERT_CHANNEL_NOT_FOUND */
  async test(namespace: string, name: string): Promise<ChannelTested> {
    const { sendToChannel } = this.#parts
    return sendToChannel.test(await this.#get(namespace, name))
  }

  async #get(namespace: string, name: string): Promise<AlertChannelRecord> {
    const [channel] = await this.#parts.store.alertChannels.get([alertId(namespace, name)])
    if (channel === undefined) throw channelNotFound(name)
    return channel
  }
}
