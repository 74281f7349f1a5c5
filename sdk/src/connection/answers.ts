import type { Msg } from '@nats-io/transport-node'

/** A caller that waits for an answer to one message. */
export interface Expectation {
  onAnswer(message: Msg): void
  /** The connection was lost: the message or its answer may be gone. */
  onDisconnect?(): void
}

/** Answers by token: one subscription and one map, instead of a promise and a timer for each message. */
export class Answers {
  readonly #prefix: string
  readonly #waiting = new Map<string, Expectation>()
  #next = 0

  /** @param prefix the inbox, ending in a dot; answers arrive at `<prefix><token>` */
  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** @returns the subject to answer to; also the handle for `forget` */
  expect(expectation: Expectation): string {
    const subject = this.#prefix + (this.#next++).toString(36)
    this.#waiting.set(subject, expectation)
    return subject
  }

  forget(subject: string): void {
    this.#waiting.delete(subject)
  }

  take(message: Msg): void {
    const expectation = this.#waiting.get(message.subject)
    if (!expectation) return
    this.#waiting.delete(message.subject)
    expectation.onAnswer(message)
  }

  disconnected(): void {
    for (const expectation of [...this.#waiting.values()]) expectation.onDisconnect?.()
  }
}

/** Whether the broker answered "no responders". */
export const isNoResponders = (message: Msg) => message.data.length === 0 && message.headers?.code === 503
