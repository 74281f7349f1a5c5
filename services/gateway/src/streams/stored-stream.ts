import { CarillonError, messageOf, type StreamName } from '@carillon/contracts'
import type { Broker } from '@carillon/runtime'

export interface StoredMessage {
  readonly seq: number
  readonly subject: string
  readonly data: Uint8Array
}

export interface StreamState {
  /** Of this stream and no other of its name: the broker may have been wiped. Part of the ids of its messages. */
  readonly epoch: string
  readonly firstSeq: number
  readonly lastSeq: number
  /** It has every message since then, in ms since 1970. */
  readonly wholeSince: number
}

/** Messages of one read: what is under way to one reader. */
const READ = { messages: 100, bytes: 256 * 1024 }
const NO_MESSAGE = /no message|message not found|404/i

/** A stream of the broker, read by sequence: nothing is kept at the broker for a reader, so any number of them costs it nothing while they wait. */
export class StoredStream {
  readonly #manager: Broker['manager']
  readonly #name: StreamName

  constructor({ manager }: Pick<Broker, 'manager'>, name: StreamName) {
    this.#manager = manager
    this.#name = name
  }

  /** @throws CarillonError NATS_UNAVAILABLE */
  async state(): Promise<StreamState> {
    const { created, state } = await this.#asked(() => this.#manager.streams.info(this.#name))
    const createdAt = Date.parse(created)
    const hasRemoved = state.first_seq > 1
    const wholeSince = !hasRemoved ? createdAt : state.messages > 0 ? Date.parse(state.first_ts) : Number.POSITIVE_INFINITY
    return { epoch: createdAt.toString(36), firstSeq: state.first_seq, lastSeq: state.last_seq, wholeSince }
  }

  /** Messages from that sequence on, as many as one read has; none: there are none yet. @throws CarillonError NATS_UNAVAILABLE */
  read(subject: string, from: number): Promise<StoredMessage[]> {
    return this.#asked(async () => {
      const options = { seq: from, next_by_subj: subject, batch: READ.messages, max_bytes: READ.bytes }
      const messages: StoredMessage[] = []
      try {
        for await (const { seq, subject: of, data } of await this.#manager.direct.getBatch(this.#name, options))
          messages.push({ seq, subject: of, data })
      } catch (error) {
        // Behind the last message there is none.
        if (!NO_MESSAGE.test(messageOf(error))) throw error
      }
      return messages
    })
  }

  async #asked<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    try {
      return await ask()
    } catch (error) {
      throw new CarillonError('NATS_UNAVAILABLE', `stream ${this.#name} cannot be read: ${messageOf(error)}`, { cause: error })
    }
  }
}
