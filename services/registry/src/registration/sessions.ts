import { subjects } from '@carillon/contracts'
import type { Broker } from '@carillon/runtime'
import { RequestError, TimeoutError } from '@nats-io/transport-node'
import type { InstanceName } from '../presence/rules/presence.ts'

/** A live process answers in a millisecond; one that died is not subscribed any more, and the broker answers "no responders" at once. */
const ANSWER_WITHIN_MS = 2_000

/** Asks processes themselves whether they live. */
export class Sessions {
  readonly #broker: Broker

  constructor(broker: Broker) {
    this.#broker = broker
  }

  async isAlive({ namespace, instance }: InstanceName, session: string): Promise<boolean> {
    try {
      await this.#broker.connection.request(subjects.session(namespace, instance, session), '', { timeout: ANSWER_WITHIN_MS })
      return true
    } catch (error) {
      if (error instanceof TimeoutError || (error instanceof RequestError && error.isNoResponders())) return false
      throw error
    }
  }
}
