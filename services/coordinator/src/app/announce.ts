import { type EventNoun, subjects } from '@carillon/contracts'
import type { Broker, Logger, StreamPublisher } from '@carillon/runtime'
import { meter } from '@carillon/runtime'
import type { RunRecord } from '@carillon/store'
import { endedEventText } from '../domain/views.ts'

/** Says what ended or changed: events are kept in stream EVENTS, live signals pass. */
export class Announcer {
  readonly #broker: Broker
  readonly #publisher: StreamPublisher
  readonly #log: Logger
  readonly #ended = meter.createCounter('carillon.runs.ended', { description: 'Runs that ended, by state' })

  constructor(options: { broker: Broker; publisher: StreamPublisher; log: Logger }) {
    this.#broker = options.broker
    this.#publisher = options.publisher
    this.#log = options.log
  }

  /** Resolves when the broker has the event. @throws Error when it does not take it */
  runEnded(run: RunRecord): Promise<void> {
    this.#ended.add(1, { state: run.state })
    const subject = subjects.event(run.namespace, 'run', run.id, run.state)
    return this.#record(subject, endedEventText(run), `${run.id}.${run.attempt}.${run.state}`)
  }

  /** For changes that are rare and whose event is no one's trigger: a refusal is logged. */
  changed(noun: EventNoun, options: { namespace: string; name: string; what: string; body: object }): void {
    const subject = subjects.event(options.namespace, noun, options.name, options.what)
    this.#record(subject, JSON.stringify(options.body)).catch((error: unknown) =>
      this.#log.error({ evt: 'event.refused', subject, err: error }, 'an event could not be kept'),
    )
  }

  live(run: RunRecord, what: string, more: object = {}): void {
    const body = {
      runId: run.id,
      handler: run.handler,
      ...(run.job ? { job: run.job } : {}),
      state: run.state,
      attempt: run.attempt,
      ...more,
    }
    this.#broker.connection.publish(subjects.live(run.namespace, 'run', run.id, what), JSON.stringify(body))
  }

  #record(subject: string, body: string, messageId?: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#publisher.publish({ subject, body, messageId }, (refusal) =>
        refusal ? reject(new Error(`the broker refused an event: ${refusal.message}`)) : resolve(),
      )
    })
  }
}
