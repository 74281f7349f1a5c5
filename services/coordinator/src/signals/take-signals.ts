import { checkBy, checkHeaders, HEADERS, parseInput, parseSubject, SIGNAL_HEADERS, signalRunSchema } from '@carillon/contracts'
import { type Clock, type Incoming, mayPass, type RejectedMessages } from '@carillon/runtime'
import type { SignalBatches } from '../signal-ports.ts'
import type { SendSignals } from './send-signals.ts'

/** Keeps signals that were published on `signal.<run>.<name>`: the body is the payload. */
export class TakeSignals implements SignalBatches {
  readonly #send: Pick<SendSignals, 'keep'>
  readonly #rejected: RejectedMessages
  readonly #clock: Clock

  constructor(options: { sendSignals: SendSignals; rejected: RejectedMessages; clock: Clock }) {
    this.#send = options.sendSignals
    this.#rejected = options.rejected
    this.#clock = options.clock
  }

  /** One after another: several for one run keep their order. */
  async execute(batch: readonly Incoming[]): Promise<void> {
    for (const message of batch) {
      try {
        await this.#take(message)
      } catch (error) {
        // A transient error is not caused by the message: the batch is redelivered.
        if (mayPass(error)) throw error
        const { subject, body } = message
        this.#rejected.reject({ subject, text: JSON.stringify(body), error, stream: 'TRIGGERS', now: this.#clock.now() })
      }
    }
  }

  /** A message without an id is known by its place in the stream, so a redelivery is the same signal. */
  async #take(message: Incoming): Promise<void> {
    const { namespace, subject, body, sequence, storedAt } = message
    checkHeaders(message.headerNames(), SIGNAL_HEADERS)
    const by = checkBy(message.header(HEADERS.by))
    const [runId, name] = parseSubject(subject)?.rest ?? []
    const ttl = message.header(HEADERS.ttlMs)
    const ttlMs = ttl !== undefined && /^\d+$/.test(ttl) ? Number(ttl) : ttl
    const request = parseInput(signalRunSchema, { runId, name, payload: body, id: message.header(HEADERS.messageId), ttlMs }, 'signal')
    await this.#send.keep(request, { namespace, by, id: `${sequence}/${storedAt}`, at: storedAt, sequence })
  }
}
