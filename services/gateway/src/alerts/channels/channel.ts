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

/** Times of one message. All of it ends before the lease of its delivery does. */
export interface SendTimes {
  /** For an answer by HTTP, and for one of the broker. */
  readonly answerMs: number
  /** For each step of a mail: a connection, a greeting, an answer. */
  readonly mailStepMs: number
  readonly mailMs: number
}

export const SEND_TIMES: SendTimes = { answerMs: 10_000, mailStepMs: 10_000, mailMs: 25_000 }

/** How many messages a channel may send. */
export interface RateLimit {
  readonly count: number
  readonly withinMs: number
}

/** A kind of channel. `send` throws only what is a fault of ours. */
export interface Channel<Settings> {
  readonly kind: ChannelKind
  readonly limit: RateLimit | undefined
  /** How many notices a digest has at most: what a person reads, and a message holds. 1: there are no digests, because programs read it. */
  readonly noticesPerMessage: number
  send(message: Message, settings: Settings): Promise<Outcome>
}
