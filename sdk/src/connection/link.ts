import { CarillonError } from '@carillon/contracts'
import { type Clock, isAuthError, type NatsAccess, publishText, randomLetters, refusalText, StreamPublisher } from '@carillon/wire/internal'
import type { Msg, MsgHdrs, NatsConnection, Subscription } from '@nats-io/transport-node'
import type { OnWarning } from '../warning.ts'
import { Answers, type Expectation } from './answers.ts'

/**
 * One connection to the broker, as the SDK uses it. The NATS client silently drops what was published while it was disconnected:
 * so a publisher of something that must arrive keeps it, expects an answer, and sends again on `onUp`.
 */
export class Link {
  readonly #connection: NatsConnection
  readonly #access: NatsAccess
  readonly #onWarning: OnWarning
  readonly #inbox = `_INBOX.${randomLetters(16)}.`
  readonly #answers = new Answers(this.#inbox)
  readonly #upListeners = new Set<() => void>()
  readonly #downListeners = new Set<() => void>()
  #answersSubscribed = false
  #up = true
  #isRefused = false

  constructor(connection: NatsConnection, { access, onWarning }: { access: NatsAccess; onWarning: OnWarning }) {
    this.#connection = connection
    this.#access = access
    this.#onWarning = onWarning
    this.#watch().catch((error: unknown) =>
      onWarning({ code: 'listener-failed', message: `The connection is not followed any more: ${String(error)}` }),
    )
  }

  /** Whether there is a connection right now. */
  get isUp(): boolean {
    return this.#up && !this.#connection.isClosed()
  }

  get isClosed(): boolean {
    return this.#connection.isClosed()
  }

  get server(): { id: string; version: string; jetstream: boolean; maxPayload: number; address: string } {
    const info = this.#connection.info
    return {
      id: info?.server_id ?? '',
      version: info?.version ?? '0.0.0',
      jetstream: info?.jetstream ?? false,
      maxPayload: info?.max_payload ?? 1024 * 1024,
      address: this.#connection.getServer(),
    }
  }

  /** Publish, or do nothing while there is no connection: the client would drop it. */
  publish(subject: string, payload: string | Uint8Array, { reply, headers }: { reply?: string; headers?: MsgHdrs } = {}): void {
    if (!this.isUp) return
    if (typeof payload === 'string' && headers === undefined) publishText(this.#connection, { subject, body: payload, reply })
    else this.#connection.publish(subject, payload, { ...(reply === undefined ? {} : { reply }), ...(headers && { headers }) })
  }

  /** A subject for the answer to one message. */
  expectAnswer(expectation: Expectation): string {
    if (!this.#answersSubscribed) {
      this.#answersSubscribed = true
      this.subscribe(`${this.#inbox}*`, (message) => this.#answers.take(message))
    }
    return this.#answers.expect(expectation)
  }

  forgetAnswer(subject: string): void {
    this.#answers.forget(subject)
  }

  /** A unique subject, for `subscribe`. */
  createInbox(): string {
    return `_INBOX.${randomLetters(16)}`
  }

  /** Subscribe with a callback. What it throws is a warning: it would end the client's reader otherwise. */
  subscribe(subject: string, onMessage: (message: Msg) => void): Subscription {
    if (this.isClosed) throw new CarillonError('NOT_CONNECTED', 'The connection was closed')
    return this.#connection.subscribe(subject, {
      callback: (error, message) =>
        this.handle(`A message on ${subject}`, () => {
          if (error) throw error
          onMessage(message)
        }),
    })
  }

  /** Publishes into streams over this connection; what its callbacks throw must be handled by `handle`. */
  createPublisher(clock: Clock): StreamPublisher {
    return new StreamPublisher(this.#connection, clock)
  }

  /** Runs a callback for `what`; what it throws is a warning. */
  handle(what: string, action: () => void): void {
    try {
      action()
    } catch (thrown) {
      this.#onWarning({ code: 'listener-failed', message: `${what} was not handled: ${String(thrown)}` })
    }
  }

  /** End a subscription. Resolves when everything that the broker sent to it before has been passed on. */
  async drain(subscription: Subscription): Promise<void> {
    if (subscription.isClosed()) return
    if (this.isUp) await subscription.drain()
    else subscription.unsubscribe()
  }

  /** Call `listener` after each reconnect. @returns the way to stop that */
  onUp(listener: () => void): () => void {
    this.#upListeners.add(listener)
    return () => this.#upListeners.delete(listener)
  }

  onDown(listener: () => void): () => void {
    this.#downListeners.add(listener)
    return () => this.#downListeners.delete(listener)
  }

  /** Resolves when the broker has received everything published so far. Rejects when the connection breaks. */
  flush(): Promise<void> {
    return this.#connection.flush()
  }

  /**
   * Cut the connection at once, for the end of the process: the broker must deliver nothing more to a process that reads no more. The NATS client
   * closes only with the help of the event loop; should its socket not be found, the broker notices a moment later.
   */
  cut(): void {
    const { protocol } = this.#connection as { protocol?: { transport?: { socket?: { destroy?: () => void } } } }
    protocol?.transport?.socket?.destroy?.()
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }

  async #watch(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === 'disconnect' && this.#up) this.#goDown(status.server)
      else if (status.type === 'reconnect') this.#goUp(status.server)
      else if (status.type === 'error') this.#warnOfRefusal(status.error)
    }
    this.#up = false
    this.#answers.disconnected()
    this.#notify(this.#downListeners)
  }

  /** Each attempt to reconnect is refused again: one warning is enough. */
  #warnOfRefusal(error: Error): void {
    if (this.#isRefused || !isAuthError(error)) return
    this.#isRefused = true
    this.#onWarning({ code: 'auth-failed', message: `${refusalText(this.#access, error)}; it is tried again` })
  }

  #goDown(server: string): void {
    this.#up = false
    if (!this.#connection.isClosed()) this.#onWarning({ code: 'disconnected', message: `The connection to ${server} was lost` })
    this.#answers.disconnected()
    this.#notify(this.#downListeners)
  }

  #goUp(server: string): void {
    this.#up = true
    this.#isRefused = false
    this.#onWarning({ code: 'reconnected', message: `Connected to ${server} again` })
    this.#notify(this.#upListeners)
  }

  /** A listener that throws affects neither the others nor the connection. */
  #notify(listeners: ReadonlySet<() => void>): void {
    for (const listener of [...listeners]) this.handle('A change of the connection', listener)
  }
}

/** A connection as callers and clients use it. */
export interface ClientLink extends Pick<Link, 'isUp' | 'isClosed' | 'server' | 'publish' | 'expectAnswer' | 'forgetAnswer' | 'onUp'> {
  subscribe(subject: string, onMessage: (message: Msg) => void): Pick<Subscription, 'closed' | 'isClosed' | 'unsubscribe'>
}
