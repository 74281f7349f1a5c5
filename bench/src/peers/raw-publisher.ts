import { createInbox, type NatsConnection } from '@nats-io/transport-node'

/** Publishes into streams with one inbox for all acknowledgements: the cheapest way that the client library allows. */
export class RawPublisher {
  readonly #connection: NatsConnection
  readonly #inbox = createInbox()
  readonly #waiting = new Map<string, () => void>()
  #next = 0

  constructor(connection: NatsConnection) {
    this.#connection = connection
    connection.subscribe(`${this.#inbox}.*`, {
      callback: (_, { subject }) => {
        this.#waiting.get(subject)?.()
        this.#waiting.delete(subject)
      },
    })
  }

  /** @param stored called when the stream has the message */
  publish(subject: string, body: object, stored: () => void): void {
    const reply = `${this.#inbox}.${this.#next++}`
    this.#waiting.set(reply, stored)
    this.#connection.publish(subject, JSON.stringify(body), { reply })
  }
}
