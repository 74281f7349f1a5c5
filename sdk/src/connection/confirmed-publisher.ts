import { HEADERS } from '@carillon/contracts'
import { type Clock, jitter, type Outgoing, type Refusal, randomLetters, type StreamPublisher, type Timer } from '@carillon/wire/internal'
import type { Link } from './link.ts'

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

interface Unconfirmed {
  readonly outgoing: Outgoing
  readonly onStored: () => void
  tries: number
  /** When it is sent again; undefined while it is under way. */
  nextAt: number | undefined
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000
const SWEEP_MS = 250
const TRIES_BEFORE_WARNING = 3
const NO_STREAM = 503

/**
 * Publishes into streams and sends again, under the same message id, until the broker has confirmed: after silence, a refusal (a full stream
 * takes messages again later) or a reconnect. One timer serves all messages, and only while one is refused.
 */
export class ConfirmedPublisher {
  readonly #options: ConfirmedPublisherOptions
  readonly #publisher: StreamPublisher
  readonly #idPrefix = randomLetters(12)
  readonly #unconfirmed = new Set<Unconfirmed>()
  readonly #stopUp: () => void
  #count = 0
  #isStopped = false
  #sweeper: Timer | undefined

  constructor(options: ConfirmedPublisherOptions) {
    this.#options = options
    this.#publisher = options.link.createPublisher(options.clock)
    this.#stopUp = options.link.onUp(() => this.#sendAll())
  }

  /** Messages on their way. */
  get size(): number {
    return this.#unconfirmed.size
  }

  publish({ subject, payload, traceparent, onStored }: StreamMessage): void {
    if (this.#isStopped) return
    const messageId = `${this.#idPrefix}-${this.#count++}`
    const message = { outgoing: { subject, body: payload, messageId, traceparent }, onStored, tries: 0, nextAt: undefined }
    this.#unconfirmed.add(message)
    this.#send(message)
  }

  /** What the broker has not confirmed. Published again under its message id it is stored once. */
  get unconfirmed(): LastMessage[] {
    return Array.from(this.#unconfirmed, ({ outgoing: { subject, body, messageId, traceparent } }) => {
      const headers = { [HEADERS.messageId]: messageId, [HEADERS.traceparent]: traceparent }
      return {
        subject,
        payload: body,
        headers: Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
      }
    })
  }

  /** Forget what is not confirmed, and publish nothing more. */
  stop(): void {
    this.#isStopped = true
    this.#stopUp()
    this.#sweeper?.cancel()
    this.#unconfirmed.clear()
    this.#publisher.close()
  }

  #send(message: Unconfirmed): void {
    const tries = ++message.tries
    message.nextAt = undefined
    // Without a connection the client would drop it; it is sent when there is one.
    if (!this.#options.link.isUp) return
    this.#publisher.publish(message.outgoing, (refusal) => {
      if (refusal === undefined) this.#stored(message)
      // What was sent again since then, after a reconnect, has an answer of its own.
      else if (message.tries === tries) this.#refused(message, refusal)
    })
  }

  #stored(message: Unconfirmed): void {
    if (this.#unconfirmed.delete(message)) this.#options.link.handle('A confirmation of the broker', message.onStored)
  }

  #refused(message: Unconfirmed, { code, message: why }: Refusal): void {
    if (!this.#unconfirmed.has(message)) return
    message.nextAt = this.#options.clock.monotonic() + jitter(Math.min(FIRST_PAUSE_MS * 2 ** message.tries, LONGEST_PAUSE_MS))
    this.#sweeper ??= this.#options.clock.after(SWEEP_MS, () => this.#sweep())
    if (message.tries === TRIES_BEFORE_WARNING) this.#options.onDelay(why)
    if (code === NO_STREAM) this.#options.onStreamMissing?.()
  }

  #sweep(): void {
    this.#sweeper = undefined
    const now = this.#options.clock.monotonic()
    let isOneRefused = false
    for (const message of this.#unconfirmed) {
      if (message.nextAt === undefined) continue
      if (message.nextAt <= now) this.#send(message)
      else isOneRefused = true
    }
    if (isOneRefused) this.#sweeper ??= this.#options.clock.after(SWEEP_MS, () => this.#sweep())
  }

  #sendAll(): void {
    for (const message of this.#unconfirmed) this.#send(message)
  }
}
