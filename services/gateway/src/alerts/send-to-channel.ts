import type { ChannelKind, ChannelTested } from '@carillon/contracts'
import type { AlertChannelRecord, ChannelState } from '@carillon/store'
import { messageId } from './alert-ids.ts'
import type { AlertsParts } from './alerts-parts.ts'
import type { Channel, Message, Notice, Outcome, RateLimit } from './channels/channel.ts'
import { forTest, roomOf, withOutcome, withSend } from './rules/sending.ts'
import { secretsOf } from './rules/views.ts'

/** A channel of each kind. Their settings were checked when a channel was put. */
export type Channels = Readonly<Record<ChannelKind, Channel<never>>>

type Parts = Pick<AlertsParts, 'store' | 'clock'> & { readonly channels: Channels }

const TRIES_AGAINST_OTHERS = 20

/** Sends messages to channels, within their limits of rate, which all gateways keep together. */
export class SendToChannel {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  traitsOf({ target }: AlertChannelRecord): { readonly limit: RateLimit | undefined; readonly noticesPerMessage: number } {
    return this.#parts.channels[target.kind]
  }

  /** Takes one of the messages that the channel may send; undefined: it may not send one before that time. */
  async reserve(id: string, isTest = false): Promise<{ readonly nextAt: number } | undefined> {
    const { clock, channels } = this.#parts
    let nextAt: number | undefined
    await this.#change(id, (channel) => {
      const { limit } = channels[channel.target.kind]
      const { room, nextAt: next } = roomOf(isTest ? forTest(channel.state) : channel.state, limit, clock.now())
      nextAt = room > 0 ? undefined : next
      return room > 0 ? withSend(channel.state, limit, clock.now()) : undefined
    })
    return nextAt === undefined ? undefined : { nextAt }
  }

  async send(channel: AlertChannelRecord, id: string, notices: readonly Notice[]): Promise<Outcome> {
    const { clock, channels } = this.#parts
    const { language } = channel.channel
    const message: Message = { id, notices, language, at: clock.now() }
    const settings = { ...channel.target, ...secretsOf(channel) } as never
    const outcome = await channels[channel.target.kind].send(message, settings)
    await this.#change(channel.id, ({ state }) => withOutcome(state, outcome, clock.now()))
    return outcome
  }

  async test(channel: AlertChannelRecord): Promise<ChannelTested> {
    const { clock } = this.#parts
    const { namespace, name } = channel
    const busy = await this.reserve(channel.id, true)
    if (busy) return { delivered: false, answer: `the channel has sent as much as it may: again at ${new Date(busy.nextAt).toISOString()}` }
    const at = new Date(clock.now()).toISOString()
    const id = `test.${at}.${channel.id}`
    const incident: Notice['incident'] = {
      ...{ id: 'test', rule: 'test', scene: 'run-failed', cause: { kind: 'job', name: 'test' }, state: 'open' },
      ...{ summary: `a test message to channel ${name}`, count: 1, examples: [], more: 0, openedAt: at, lastAt: at },
    }
    const outcome = await this.send(channel, messageId(id), [{ id: messageId(id), namespace, transition: 'test', incident }])
    return { delivered: outcome.is === 'delivered', answer: outcome.answer }
  }

  /** What cannot be written because others are always faster is not important enough to keep a message for it. */
  async #change(id: string, change: (channel: AlertChannelRecord) => ChannelState | undefined): Promise<void> {
    const { store } = this.#parts
    for (let i = 0; i < TRIES_AGAINST_OTHERS; i++) {
      const [channel] = await store.alertChannels.get([id])
      const state = channel && change(channel)
      if (!channel || !state || state === channel.state) return
      if ((await store.alertChannels.replace({ ...channel, state, revision: channel.revision + 1 }, channel)) === 'applied') return
    }
  }
}
