import {
  BatchConsumer,
  type Broker,
  type Clock,
  type Incoming,
  type Logger,
  LoopService,
  type RejectedMessages,
  readMessage,
  WakeablePause,
} from '@carillon/runtime'
import { EVENT_CONSUMER, type EventSources, type ReadSources } from './event-sources.ts'
import type { TriggeredJobs } from './triggered-jobs.ts'

/** What a broker has lost, or an operator has removed, is made again after this. */
const RECONCILE_MS = 5_000

export interface ListenOptions {
  readonly broker: Broker
  readonly sources: EventSources
  readonly triggered: TriggeredJobs
  readonly takeEvents: { execute(stream: string, batch: readonly Incoming[]): Promise<void> }
  readonly rejected: RejectedMessages
  readonly batch: { readonly maxMessages: number; readonly maxInFlight: number }
  readonly clock: Clock
  readonly log: Logger
}

/** Reads the events that fire jobs: a consumer for each stream that has some. */
export class ListenEvents extends LoopService {
  readonly #parts: ListenOptions
  readonly #pause: WakeablePause
  #isWoken = false
  readonly #consumers = new Map<string, BatchConsumer>()
  /** Subjects that could not be read in the round before. */
  #refused: ReadSources['refused'] = new Map()

  constructor(parts: ListenOptions) {
    super()
    this.#parts = parts
    this.#pause = new WakeablePause(parts.clock)
  }

  /** A job was changed: a stream may have to be read from now on. */
  wake(): void {
    this.#isWoken = true
    this.#pause.end()
  }

  protected async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#parts
    do {
      // After a change of a job nothing is removed: what is left is looked at in the regular rounds.
      const keeps = this.#isWoken
      this.#isWoken = false
      await this.#reconcile(keeps).catch((error: unknown) =>
        log.warn({ evt: 'events.unread', err: error }, 'events of jobs could not be read; trying again'),
      )
    } while (await this.#pause.wait(RECONCILE_MS, signal))
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.stop()))
    this.#consumers.clear()
  }

  protected onFailure(error: unknown): void {
    this.#parts.log.fatal({ evt: 'events.died', err: error }, 'the reading of events died')
  }

  async #reconcile(keeps: boolean): Promise<void> {
    const { sources, triggered, log } = this.#parts
    const subjects = (await triggered.all()).flatMap(({ on }) => (on ? [on.subject] : []))
    const { streams, refused } = await sources.reconcile(subjects, { keeps })
    for (const [subject, error] of refused)
      if (!this.#refused.has(subject)) log.error({ evt: 'events.subject-unread', subject, err: error }, 'a subject of jobs cannot be read')
    this.#refused = refused
    for (const stream of streams) if (!this.#consumers.has(stream)) await this.#read(stream)
    for (const [stream, consumer] of this.#consumers) {
      if (streams.includes(stream)) continue
      this.#consumers.delete(stream)
      await consumer.stop()
    }
  }

  async #read(stream: string): Promise<void> {
    const { broker, takeEvents, rejected, batch, clock, log } = this.#parts
    const consumer = new BatchConsumer({
      ...{ connection: broker.connection, stream, consumer: EVENT_CONSUMER, rejected, clock, log, ...batch },
      read: (message) => readMessage(message, { namespace: '', name: '' }),
      handle: (events) => takeEvents.execute(stream, events),
    })
    this.#consumers.set(stream, consumer)
    await consumer.start()
  }
}
