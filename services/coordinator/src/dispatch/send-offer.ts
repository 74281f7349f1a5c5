import { type OfferAnswer, subjects } from '@carillon/contracts'
import { type Broker, hadNoResponders, headersOf, type Logger } from '@carillon/runtime'
import type { RunRecord } from '@carillon/store'
import type { OfferOutcome, OfferSender, Presence } from '../ports.ts'
import { type TaskToDo, workText } from '../runs/rules/views.ts'

const OFFER_WITHIN_MS = 2_000

/** Offers a task to one instance by a request. */
export class SendOffer implements OfferSender {
  readonly #presence: Presence
  readonly #broker: Broker
  readonly #log: Logger

  constructor(options: { presence: Presence; broker: Broker; log: Logger }) {
    this.#presence = options.presence
    this.#broker = options.broker
    this.#log = options.log
  }

  async send(run: RunRecord, task: RunRecord | TaskToDo, target: string): Promise<OfferOutcome> {
    const session = this.#presence.sessionOf(run.namespace, target)
    const options = { timeout: OFFER_WITHIN_MS, ...headersOf({ traceparent: run.traceparent, session }) }
    const subject = subjects.direct(run.namespace, target)
    try {
      return (await this.#broker.connection.request(subject, workText(run, task), options)).json<OfferAnswer>()
    } catch (error) {
      this.#log.debug({ evt: 'offer.unanswered', taskId: task.id, target, err: error }, 'an offer had no answer')
      return hadNoResponders(error) ? 'not-received' : undefined
    }
  }
}
