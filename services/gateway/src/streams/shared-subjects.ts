import { messageOf } from '@carillon/contracts'
import type { Broker, Logger } from '@carillon/runtime'

export type SubjectListener = (subject: string, bytes: Uint8Array) => void

interface Shared {
  readonly listeners: Set<SubjectListener>
  readonly stop: () => void
}

/** Subscriptions that all readers of a subject share; the last one ends it. */
export class SharedSubjects {
  readonly #connection: Broker['connection']
  readonly #log: Logger
  readonly #shared = new Map<string, Shared>()
  readonly #onGap = new Set<() => void>()

  constructor({ connection, log }: { connection: Broker['connection']; log: Logger }) {
    this.#connection = connection
    this.#log = log
  }

  get count(): number {
    return this.#shared.size
  }

  /** Calls the listener with each message from now on. @returns stops it */
  follow(subject: string, listener: SubjectListener): () => void {
    const shared = this.#shared.get(subject) ?? this.#subscribe(subject)
    shared.listeners.add(listener)
    return () => {
      if (!shared.listeners.delete(listener) || shared.listeners.size > 0) return
      shared.stop()
      this.#shared.delete(subject)
    }
  }

  /** Calls back when messages may have been missed. @returns stops it */
  onGap(callback: () => void): () => void {
    this.#onGap.add(callback)
    return () => this.#onGap.delete(callback)
  }

  /** The connection to the broker was away. */
  gap(): void {
    for (const callback of this.#onGap) callback()
  }

  /** Resolves when the broker has every subscription. */
  async flush(): Promise<void> {
    await this.#connection.flush()
  }

  #subscribe(subject: string): Shared {
    const listeners = new Set<SubjectListener>()
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) this.#log.warn({ evt: 'stream.subject-refused', subject, error: messageOf(error) }, 'a subject cannot be followed')
        else for (const listener of listeners) listener(message.subject, message.data)
      },
    })
    const stop = () => {
      if (!subscription.isClosed()) subscription.unsubscribe()
    }
    const shared = { listeners, stop }
    this.#shared.set(subject, shared)
    return shared
  }
}
