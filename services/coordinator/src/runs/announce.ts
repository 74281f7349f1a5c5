import { CarillonError, type EventNoun, messageOf, type Progress, type RunEndedEvent, STREAMS, subjects, TIMES } from '@carillon/contracts'
import {
  BoundedLabel,
  type Broker,
  type Clock,
  type Logger,
  meter,
  type Outgoing,
  publishText,
  publishUntilTaken,
  type StreamPublisher,
} from '@carillon/runtime'
import type { RunHead } from '@carillon/store'
import type { EndsCounter, Events } from '../ports.ts'
import { CreatedSignals } from './created-signals.ts'
import { type EndedRun, endedEventText, liveTasksText, liveText, type MovedTask, timesOf } from './rules/views.ts'

const ASK_WITHIN_MS = 2_000
/** Another coordinator may publish the event of an end that is older, before this one does: half of the time after which it is asked to. */
const SURELY_FIRST_MS = TIMES.ackWaitMs / 2
const NOT_FOUND = 404

/** Publishes what ended or changed: events are stored in stream EVENTS, live signals are not. */
export class Announcer implements Events {
  readonly #broker: Broker
  readonly #publisher: StreamPublisher
  readonly #publishedEnds: EndsCounter
  readonly #createdSignals: CreatedSignals
  readonly #clock: Clock
  readonly #log: Logger
  readonly #ended = meter.counter('carillon.runs.ended', 'Runs that ended, by state')
  readonly #ran = meter.seconds('carillon.run.duration.seconds', 'From the first start of a run to its end')
  readonly #waited = meter.seconds('carillon.run.wait.seconds', 'From when a run was due to its first start')
  readonly #names = new BoundedLabel()

  constructor(options: { broker: Broker; publisher: StreamPublisher; publishedEnds: EndsCounter; clock: Clock; log: Logger }) {
    this.#broker = options.broker
    this.#createdSignals = new CreatedSignals({ connection: options.broker.connection, clock: options.clock })
    this.#clock = options.clock
    this.#publisher = options.publisher
    this.#publishedEnds = options.publishedEnds
    this.#log = options.log
  }

  /**
   * Resolves when the broker has confirmed the events of all these runs. What it does not confirm is published again, if it is not there.
   * @throws CarillonError NATS_UNAVAILABLE when it does not take them
   */
  async runsEnded(runs: readonly EndedRun[]): Promise<void> {
    for (const run of runs) this.#measure(run)
    const before = this.#clock.now() - SURELY_FIRST_MS
    const unconfirmed = await this.#publish(runs, { isRepeated: runs.some(({ endedAt }) => endedAt !== null && endedAt < before) })
    if (unconfirmed.length > 0) await Promise.all(unconfirmed.map((run) => this.runEndedBefore(run, async () => run)))
  }

  #measure(run: EndedRun): void {
    const { namespace, job, handler, state } = run
    this.#ended.add(1, { state, namespace: this.#names.of(namespace), job: this.#names.of(job ?? handler) })
    const { ranMs, waitedMs } = timesOf(run)
    if (ranMs !== undefined) this.#ran.record(ranMs)
    if (waitedMs !== undefined) this.#waited.record(waitedMs)
  }

  /**
   * Publishes the terminal event of a run again, unless the broker has it: of an end that was stored before.
   * @param read its record with the result
   * @throws CarillonError NATS_UNAVAILABLE when the broker does not answer, or refuses it
   */
  async runEndedBefore(run: RunHead, read: () => Promise<EndedRun | undefined>): Promise<void> {
    if (await this.#hasEnd(run)) return
    const whole = await read()
    if (whole && (await this.#publish([whole], { isRepeated: true })).length > 0)
      throw unavailable(`the broker did not confirm the end of run ${run.id}`)
  }

  async #hasEnd(run: RunHead): Promise<boolean> {
    const subject = subjects.event(run.namespace, 'run', run.id, run.state)
    const answer = await this.#broker.connection
      .request(`$JS.API.DIRECT.GET.${STREAMS.EVENTS.name}.${subject}`, '', { timeout: ASK_WITHIN_MS })
      .catch((error: unknown) => {
        throw unavailable(`whether the broker has the terminal event of run ${run.id} is not known: ${messageOf(error)}`)
      })
    const status = answer.headers?.code ?? 0
    if (status >= 300 && status !== NOT_FOUND)
      throw unavailable(`whether the broker has the terminal event of run ${run.id} is not known: ${status}`)
    return status !== NOT_FOUND && answer.json<RunEndedEvent>().attempt === run.attempt
  }

  /** Answers those whose event was not confirmed. @throws CarillonError NATS_UNAVAILABLE when the broker refuses one */
  #publish(runs: readonly EndedRun[], { isRepeated = false } = {}): Promise<EndedRun[]> {
    const writable: EndedRun[] = []
    const messages: Outgoing[] = []
    for (const run of runs) {
      const body = this.#textOf(run, isRepeated)
      if (body === undefined) continue
      writable.push(run)
      messages.push({ subject: subjects.event(run.namespace, 'run', run.id, run.state), body })
    }
    return new Promise((resolve, reject) => {
      this.#publisher.publishAll(messages, (refusals, sequences) => {
        // Whether one that may have been published before counts is read from the stream.
        if (!isRepeated) this.#publishedEnds.count(writable, sequences)
        const refused = refusals.find((refusal) => refusal?.code !== undefined)
        if (refused) reject(unavailable(`the broker refused an event: ${refused.message}`))
        else resolve(writable.filter((_, i) => refusals[i]))
      })
    })
  }

  /** An event that cannot be encoded, because of what is stored, does not affect the others. */
  #textOf(run: EndedRun, isRepeated: boolean): string | undefined {
    try {
      return endedEventText(run, { isRepeated })
    } catch (error) {
      this.#log.error({ evt: 'event.unwritable', runId: run.id, err: error }, 'the event of an end could not be written')
      return undefined
    }
  }

  /** For rare changes on whose events nothing depends: a refusal is logged. */
  changed(noun: EventNoun, options: { namespace: string; name: string; what: string; body: object }): void {
    const subject = subjects.event(options.namespace, noun, options.name, options.what)
    publishUntilTaken(this.#publisher, { subject, body: JSON.stringify(options.body) }, (refusal) => {
      if (refusal) this.#log.error({ evt: 'event.refused', subject, refusal: refusal.message }, 'an event could not be kept')
    })
  }

  created(runs: readonly RunHead[]): void {
    this.#createdSignals.publish(runs)
  }

  live(run: RunHead, what: string, progress?: Progress): void {
    publishText(this.#broker.connection, { subject: subjects.live(run.namespace, 'run', run.id, what), body: liveText(run, progress) })
  }

  tasksMoved({ namespace, id }: Pick<RunHead, 'namespace' | 'id'>, tasks: readonly MovedTask[]): void {
    publishText(this.#broker.connection, { subject: subjects.live(namespace, 'task', id, 'changed'), body: liveTasksText(id, tasks) })
  }
}

const unavailable = (message: string) => new CarillonError('NATS_UNAVAILABLE', message)
