import { type CarillonError, STREAMS, TIMES } from '@carillon/contracts'
import { type Clock, pause } from '@carillon/wire/internal'
import { type Consumer, type ConsumerMessages, JetStreamApiError, type JsMsg, jetstream } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { inIsolation } from '../isolate.ts'
import { LoopService } from '../lifecycle.ts'
import type { Logger } from '../logger.ts'
import type { Incoming, RejectedMessages } from './incoming.ts'

export interface BatchConsumerOptions {
  readonly connection: NatsConnection
  readonly stream: string
  /** A durable one. */
  readonly consumer: string
  /** @throws CarillonError of a message that is rejected */
  readonly read: (message: JsMsg) => Incoming
  readonly log: Logger
  readonly clock: Clock
  readonly rejected: RejectedMessages
  /** Messages in one batch at most. */
  readonly maxMessages: number
  /** Batches under way at once. */
  readonly maxInFlight: number
  /**
   * Resolves when everything is stored: then the messages are acknowledged. If it throws a transient error, they are redelivered; else it is called with fewer
   * of them, until those are found that are at fault.
   */
  readonly handle: (batch: Incoming[]) => Promise<unknown>
  /** Pause before failed messages are redelivered; it grows for a message that fails alone. Default 1,000 ms. */
  readonly retryAfterMs?: number
}

const RETRY_AFTER_MS = 1_000
const LONGEST_RETRY_MS = 30_000
/** Deliveries after which a message that fails alone and permanently is rejected. */
const TRIES = 5
/** How long a pull waits. A consumer that vanished without a disconnect, as at a fail-over of a cluster, is found again when two heartbeats are missed. */
const PULL = { expires: 5_000, idle_heartbeat: 2_500 }
/**
 * The same for EVENTS. At each pull and each heartbeat the broker searches for the next message: unless all new ones are in the newest block of the stream,
 * it compares every subject with the filters. There is one for each run: 0.25 to 0.6 s for 500,000, in which it stores nothing (`docs/PERFORMANCE.md`).
 * A process that hangs while its pull waits is sent messages until it ends.
 */
const PULL_OF_EVENTS = { expires: 60_000, idle_heartbeat: 30_000 }
/** How often the broker is asked whether a pull of EVENTS waits, for which it does not search. */
const ASK_EVERY_MS = 2_500

/**
 * Consumes a stream in batches: what arrived during one batch is the next one, nothing waits when idle. Messages are acknowledged when their batch is
 * handled; one that cannot be read is rejected and the rest goes on. What is held for long is reported to the broker as in progress, so
 * that only what a dead process held is redelivered, after 10 s.
 */
export class BatchConsumer extends LoopService {
  readonly #options: BatchConsumerOptions
  #waiting: JsMsg[] = []
  readonly #inFlight = new Set<JsMsg[]>()
  /** The sequence of the newest message so far. */
  #newest = 0
  /** Messages that were handled so far, and by sequence that number at the time when a message failed alone. */
  #handled = 0
  readonly #faulty = new Map<number, number>()
  #due = false
  #stopping = false
  #drained: (() => void) | undefined

  constructor(options: BatchConsumerOptions) {
    super()
    this.#options = options
  }

  protected async run(signal: AbortSignal): Promise<void> {
    const { stream, log, clock, connection } = this.#options
    this.#stopping = false
    const holding = this.#keepHeld(signal)
    while (!signal.aborted) {
      try {
        await this.#consume(signal)
      } catch (error) {
        if (signal.aborted || connection.isClosed()) break
        log.warn({ evt: 'consumer.failed', stream, err: error }, 'reading a stream failed; trying again')
        await pause(clock, RETRY_AFTER_MS, signal)
      }
    }
    this.#stopping = true
    if (!connection.isClosed()) for (const message of this.#waiting) message.nak()
    this.#waiting = []
    if (this.#inFlight.size > 0) await new Promise<void>((resolve) => (this.#drained = resolve))
    await holding
  }

  protected onFailure(error: unknown): void {
    this.#options.log.fatal({ evt: 'consumer.died', stream: this.#options.stream, err: error }, 'a consumer died')
  }

  async #consume(signal: AbortSignal): Promise<void> {
    const { connection, stream, maxMessages, maxInFlight } = this.#options
    const consumer = await jetstream(connection).consumers.get(stream, this.#options.consumer)
    const isOfEvents = stream === STREAMS.EVENTS.name
    const messages: ConsumerMessages = await consumer.consume({
      ...(isOfEvents ? PULL_OF_EVENTS : PULL),
      max_messages: maxMessages * (maxInFlight + 1),
      abort_on_missing_resource: true,
      callback: (message) => this.#take(message),
    })
    const ended = new AbortController()
    const stop = () => messages.stop()
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    if (isOfEvents) this.#whilePullWaits({ consumer, messages, signal: AbortSignal.any([signal, ended.signal]) }).then(stop)
    try {
      const error = await messages.closed()
      if (error) throw error
    } finally {
      signal.removeEventListener('abort', stop)
      ended.abort()
    }
  }

  /**
   * A leader of the consumer that was elected since knows of no pull. What waits then may be the pull of another service: only a message that comes proves
   * that this one does. Where there is no answer the client may have lost its connection; once it has another one, it pulls by itself.
   */
  async #whilePullWaits(given: { consumer: Consumer; messages: ConsumerMessages; signal: AbortSignal }): Promise<void> {
    const { consumer, messages, signal } = given
    let received = 0
    let misses = 0
    while (misses < 2 && (await pause(this.#options.clock, ASK_EVERY_MS, signal))) {
      const waiting = await consumer.info().then(
        (info) => info.num_waiting,
        (error: unknown) => (error instanceof JetStreamApiError ? 0 : undefined),
      )
      if (messages.getReceived() > received) misses = 0
      else if (waiting === 0 || (waiting !== undefined && misses > 0)) misses++
      received = messages.getReceived()
    }
  }

  #take(message: JsMsg): void {
    if (this.#stopping) {
      message.nak()
      return
    }
    this.#waiting.push(message)
    this.#newest = Math.max(this.#newest, message.seq)
    if (this.#due || this.#inFlight.size >= this.#options.maxInFlight) return
    this.#due = true
    setImmediate(() => {
      this.#due = false
      this.#flush()
    })
  }

  /** Only what was here a while ago already: most are done within milliseconds. */
  async #keepHeld(signal: AbortSignal): Promise<void> {
    let newestBefore = 0
    while (await pause(this.#options.clock, TIMES.workingMs, signal)) {
      for (const message of [...this.#inFlight, this.#waiting].flat()) if (message.seq <= newestBefore) message.working()
      newestBefore = this.#newest
    }
  }

  #flush(): void {
    const { stream, log } = this.#options
    while (this.#waiting.length > 0 && this.#inFlight.size < this.#options.maxInFlight) {
      const batch = this.#waiting.splice(0, this.#options.maxMessages)
      this.#inFlight.add(batch)
      this.#handle(batch)
        .catch((error: unknown) =>
          log.warn({ evt: 'batch.unacknowledged', stream, err: error }, 'a batch could not be acknowledged; it comes again'),
        )
        .finally(() => {
          this.#inFlight.delete(batch)
          if (this.#inFlight.size === 0) this.#drained?.()
          this.#flush()
        })
    }
  }

  async #handle(batch: JsMsg[]): Promise<void> {
    const { stream, rejected, clock } = this.#options
    const read: Incoming[] = []
    const readable: JsMsg[] = []
    for (const message of batch) {
      try {
        read.push(this.#options.read(message))
        readable.push(message)
      } catch (error) {
        rejected.reject({ subject: message.subject, text: message.string(), error, stream, now: clock.now() })
        // Acknowledged before the rest: if that is redelivered, this must not be rejected again.
        message.ack()
      }
    }
    await this.#finish(read.map((incoming, i) => ({ incoming, message: readable[i] as JsMsg })))
  }

  /** A message that fails permanently does not affect the others. */
  async #finish(held: readonly Held[]): Promise<void> {
    const { stream, log } = this.#options
    const handle = async (some: readonly Held[]) => {
      if (some.length > 0) await this.#options.handle(some.map(({ incoming }) => incoming))
      return some.map(() => undefined)
    }
    try {
      const errors = await inIsolation(held, handle, (_, error) => error)
      for (const [i, { message }] of held.entries()) {
        if (errors[i]) continue
        this.#handled++
        this.#faulty.delete(message.seq)
        message.ack()
      }
      for (const [i, one] of held.entries()) if (errors[i]) this.#failed(one, errors[i])
    } catch (error) {
      log.error({ evt: 'batch.failed', stream, messages: held.length, err: error }, 'a batch could not be handled; it comes again')
      for (const { message } of held) message.nak(this.#options.retryAfterMs ?? RETRY_AFTER_MS)
    }
  }

  get #retryAfterMs(): number {
    return this.#options.retryAfterMs ?? RETRY_AFTER_MS
  }

  /** It is rejected in the end, but only if others could be handled in the meantime: else it is hardly the message that is at fault. */
  #failed({ message }: Held, error: CarillonError): void {
    const { stream, log, rejected, clock, retryAfterMs = RETRY_AFTER_MS } = this.#options
    const { seq, subject } = message
    const tries = message.info.deliveryCount
    const handledBefore = this.#faulty.get(seq) ?? this.#handled
    if (tries >= TRIES && this.#handled > handledBefore) {
      this.#faulty.delete(seq)
      rejected.reject({ subject, text: message.string(), error, stream, now: clock.now() })
      message.ack()
      return
    }
    if (!this.#faulty.has(seq)) this.#faulty.set(seq, this.#handled)
    log.error({ evt: 'message.failed', stream, subject, tries, err: error }, 'a message could not be handled; it comes again')
    message.nak(Math.min(retryAfterMs * 2 ** (tries - 1), LONGEST_RETRY_MS))
  }
}

interface Held {
  readonly incoming: Incoming
  readonly message: JsMsg
}
