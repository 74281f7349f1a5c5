import { HEADERS } from '@carillon/contracts'
import type { Msg, MsgHdrs } from '@nats-io/transport-node'
import type { Clock, Timer } from '../clock.ts'
import { jitter, randomLetters } from '../randomness.ts'
import { isNoResponders } from './answers.ts'
import { headersOf, type Link } from './link.ts'

/** A message that must get into its stream. */
export interface StreamMessage {
  readonly subject: string
  readonly payload: string
  readonly traceparent?: string | undefined
  /** The broker has it for good. */
  readonly onStored: () => void
}

/** A message as another thread can publish it. */
export interface LastMessage {
  readonly subject: string
  readonly payload: string
  readonly headers: readonly (readonly [name: string, value: string])[]
}

export interface ConfirmedPublisherOptions {
  readonly link: Link
  readonly clock: Clock
  /** A message was refused for the third time. */
  readonly onDelay: (why: string) => void
  /** No stream takes such messages. */
  readonly onStreamMissing?: () => void
}

interface Unconfirmed extends StreamMessage {
  readonly headers: MsgHdrs | undefined
  tries: number
  nextAt: number
  reply: string | undefined
}

const ANSWER_MS = 5_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000
const SWEEP_MS = 250
const TRIES_BEFORE_WARNING = 3

/**
 * Publishes into streams and sends again, under the same message id, until the broker has confirmed: after silence, a refusal (a full stream
 * takes messages again later) or a reconnect. One answer inbox and one timer serve all messages.
 */
export class ConfirmedPublisher {
  readonly #options: ConfirmedPublisherOptions
  readonly #idPrefix = randomLetters(12)
  readonly #unconfirmed = new Set<Unconfirmed>()
  readonly #stopUp: () => void
  #count = 0
  #isStopped = false
  #sweeper: Timer | undefined

  constructor(options: ConfirmedPublisherOptions) {
    this.#options = options
    this.#stopUp = options.link.onUp(() => this.#sendAll())
  }

  /** Messages on their way. */
  get size(): number {
    return this.#unconfirmed.size
  }

  publish({ subject, payload, traceparent, onStored }: StreamMessage): void {
    if (this.#isStopped) return
    const id = `${this.#idPrefix}-${this.#count++}`
    const headers = headersOf({ [HEADERS.messageId]: id, [HEADERS.traceparent]: traceparent })
    const message: Unconfirmed = { subject, payload, onStored, headers, tries: 0, nextAt: 0, reply: undefined }
    this.#unconfirmed.add(message)
    this.#send(message)
    this.#sweeper ??= this.#options.clock.every(SWEEP_MS, () => this.#sweep())
  }

  /** What the broker has not confirmed. Published again under its message id it is stored once. */
  get unconfirmed(): LastMessage[] {
    return Array.from(this.#unconfirmed, ({ subject, payload, headers }) => ({ subject, payload, headers: entriesOf(headers) }))
  }

  /** Forget what is not confirmed, and publish nothing more. */
  stop(): void {
    this.#isStopped = true
    this.#stopUp()
    this.#sweeper?.cancel()
    this.#sweeper = undefined
    for (const message of this.#unconfirmed) this.#forgetReply(message)
    this.#unconfirmed.clear()
  }

  #send(message: Unconfirmed): void {
    const { link, clock } = this.#options
    this.#forgetReply(message)
    message.tries++
    message.nextAt = clock.monotonic() + ANSWER_MS
    if (!link.isUp) return
    const reply = link.expectAnswer({ onAnswer: (answer) => this.#answered(message, answer) })
    message.reply = reply
    link.publish(message.subject, message.payload, message.headers ? { reply, headers: message.headers } : { reply })
  }

  #answered(message: Unconfirmed, answer: Msg): void {
    message.reply = undefined
    const refusal = refusalOf(answer)
    if (refusal !== undefined) this.#refused(message, answer, refusal)
    else {
      this.#unconfirmed.delete(message)
      message.onStored()
    }
  }

  #refused(message: Unconfirmed, answer: Msg, refusal: string): void {
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** message.tries, LONGEST_PAUSE_MS)
    message.nextAt = this.#options.clock.monotonic() + jitter(pauseMs)
    if (message.tries === TRIES_BEFORE_WARNING) this.#options.onDelay(refusal)
    if (isNoResponders(answer)) this.#options.onStreamMissing?.()
  }

  #sweep(): void {
    if (this.#unconfirmed.size === 0) {
      this.#sweeper?.cancel()
      this.#sweeper = undefined
      return
    }
    const now = this.#options.clock.monotonic()
    for (const message of this.#unconfirmed) if (message.nextAt <= now) this.#send(message)
  }

  #sendAll(): void {
    for (const message of this.#unconfirmed) this.#send(message)
  }

  #forgetReply(message: Unconfirmed): void {
    if (message.reply !== undefined) this.#options.link.forgetAnswer(message.reply)
    message.reply = undefined
  }
}

const entriesOf = (headers: MsgHdrs | undefined) => (headers?.keys() ?? []).map((key) => [key, headers?.get(key) ?? ''] as const)

/** Why the broker did not store a message, or undefined when it did. */
function refusalOf(answer: Msg): string | undefined {
  if (isNoResponders(answer)) return 'there is no stream for it'
  try {
    const body = answer.json<{ stream?: string; error?: { description?: string } }>()
    return body.stream !== undefined && body.error === undefined ? undefined : (body.error?.description ?? 'no reason given')
  } catch {
    return 'the answer is not JSON'
  }
}
