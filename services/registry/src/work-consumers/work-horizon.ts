import { CarillonError } from '@carillon/contracts'
import type { Broker } from '@carillon/runtime'

/**
 * Up to where the stream of work may hold messages that were delivered before the broker was restarted: a broker that is killed forgets
 * deliveries and acknowledgements of its last moments. The delivery counts of messages that are published later are right.
 */
export class WorkHorizon {
  readonly #broker: Broker
  #serverId: string | undefined
  #asked: Promise<number> | undefined

  constructor(broker: Broker) {
    this.#broker = broker
  }

  /** The last sequence of the stream when this registry came to the server that it is connected to. @throws CarillonError NATS_UNAVAILABLE */
  sequence(): Promise<number> {
    const serverId = this.#broker.connection.info?.server_id
    if (this.#asked && serverId === this.#serverId) return this.#asked
    this.#serverId = serverId
    const asked = this.#ask()
    this.#asked = asked
    asked.catch(() => {
      if (this.#asked === asked) this.#asked = undefined
    })
    return asked
  }

  async #ask(): Promise<number> {
    try {
      return (await this.#broker.manager.streams.info('WORK')).state.last_seq
    } catch (error) {
      throw new CarillonError('NATS_UNAVAILABLE', `the stream of work could not be read: ${(error as Error).message}`, { cause: error })
    }
  }
}
