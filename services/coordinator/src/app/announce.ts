import { type EventNoun, type Progress, type RunEndedEvent, STREAMS, subjects } from '@carillon/contracts'
import type { Broker, Logger, Outgoing, StreamPublisher } from '@carillon/runtime'
import { meter } from '@carillon/runtime'
import type { RunRecord } from '@carillon/store'
import { endedEventText, liveText } from '../domain/views.ts'

const ASK_WITHIN_MS = 2_000
const NOT_FOUND = 404

/** Says what ended or changed: events are kept in stream EVENTS, live signals pass. */
export class Announcer {
  readonly #broker: Broker
  readonly #publisher: StreamPublisher
  readonly #log: Logger
  readonly #ended = meter.counter('carillon.runs.ended', 'Runs that ended, by state')

  constructor(options: { broker: Broker; publisher: StreamPublisher; log: Logger }) {
    this.#broker = options.broker
    this.#publisher = options.publisher
    this.#log = options.log
  }

  /**
   * Resolves when the broker has the events of these runs. Only the last one is answered: the broker takes what one connection publishes in
   * order, and a stream that drops old messages refuses none. @throws Error when it does not take them
   */
  async runsEnded(runs: readonly RunRecord[]): Promise<void> {
    for (const [i, run] of runs.entries()) {
      this.#ended.add(1, { state: run.state })
      const message = {
        subject: subjects.event(run.namespace, 'run', run.id, run.state),
        body: endedEventText(run),
      }
      if (i === runs.length - 1) await this.#record(message)
      else this.#publisher.publish(message)
    }
  }

  /** Says again that a run has ended, unless the broker has that event: of an end that was stored before. @throws Error when the broker cannot tell */
  async runEndedBefore(run: RunRecord): Promise<void> {
    const subject = subjects.event(run.namespace, 'run', run.id, run.state)
    const answer = await this.#broker.connection.request(`$JS.API.DIRECT.GET.${STREAMS.EVENTS.name}.${subject}`, '', {
      timeout: ASK_WITHIN_MS,
    })
    const status = answer.headers?.code ?? 0
    if (status >= 300 && status !== NOT_FOUND) throw new Error(`the broker cannot tell whether it has the end of run ${run.id}: ${status}`)
    const isTold = status !== NOT_FOUND && answer.json<RunEndedEvent>().attempt === run.attempt
    if (!isTold) await this.runsEnded([run])
  }

  /** For changes that are rare and whose event is no one's trigger: a refusal is logged. */
  changed(noun: EventNoun, options: { namespace: string; name: string; what: string; body: object }): void {
    const subject = subjects.event(options.namespace, noun, options.name, options.what)
    this.#record({ subject, body: JSON.stringify(options.body) }).catch((error: unknown) =>
      this.#log.error({ evt: 'event.refused', subject, err: error }, 'an event could not be kept'),
    )
  }

  live(run: RunRecord, what: string, progress?: Progress): void {
    this.#broker.connection.publish(subjects.live(run.namespace, 'run', run.id, what), Buffer.from(liveText(run, progress)))
  }

  #record(message: Outgoing): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#publisher.publish(message, (refusal) =>
        refusal ? reject(new Error(`the broker refused an event: ${refusal.message}`)) : resolve(),
      )
    })
  }
}
