import type { ChannelKind, IncidentView, MessageLanguage, Transition } from '@carillon/contracts'

/** What is said about one incident. */
export interface Notice {
  /** The receiver knows a repetition by it. */
  readonly id: string
  readonly namespace: string
  readonly transition: Transition | 'test'
  readonly incident: Omit<IncidentView, 'deliveries'>
}

/** One message: a notice, or a digest of several where a channel may not send as many messages. */
export interface Message {
  readonly id: string
  readonly notices: readonly Notice[]
  readonly language: MessageLanguage
  readonly at: number
}

/** What the other side said. */
export type Outcome =
  | { readonly is: 'delivered'; readonly answer: string }
  | { readonly is: 'retry'; readonly answer: string; readonly afterMs?: number }
  /** It will not take this message. `isGone`: nor any other. */
  | { readonly is: 'refused'; readonly answer: string; readonly isGone?: true }

/** How many messages a channel may send. */
export interface RateLimit {
  readonly count: number
  readonly withinMs: number
}

/** A kind of channel. `send` throws only what is a fault of ours. */
export interface Channel<Settings> {
  readonly kind: ChannelKind
  readonly limit: RateLimit | undefined
  /** Whether several notices may be one message: people read it. */
  readonly isDigestible: boolean
  send(message: Message, settings: Settings): Promise<Outcome>
}

/** The settings of a kind of channel with its secrets, which are checked when it is put. */
export type SettingsOf<Fields extends string> = Readonly<Record<Fields, string>>
