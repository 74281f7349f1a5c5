import { CarillonError, type Registered, TIMES, workConsumer, workFilter } from '@carillon/contracts'
import { apiErrorCode, type Broker, ensureConsumer } from '@carillon/runtime'

const TOO_MANY_CONSUMERS = 10026
/** Tasks of one handler under way at once, over all instances: the largest instance alone may take this many. */
const MAX_ACK_PENDING = 10_000
const NANOS_PER_MS = 1_000_000
/**
 * How long a consumer is known to exist without a look. A burst of executors with the same handlers asks the broker once; one that finds
 * its consumer gone and registers again a little later gets it back.
 */
const REMEMBER_MS = 5_000

/** The durable consumers of handlers in stream WORK. */
export class WorkConsumers {
  readonly #broker: Broker
  readonly #now: () => number
  readonly #known = new Map<string, { at: number; made: Promise<void> }>()

  constructor(broker: Broker, now: () => number) {
    this.#broker = broker
    this.#now = now
  }

  /** The broker may have lost everything. */
  forget(): void {
    this.#known.clear()
  }

  /**
   * Makes the consumers that are missing, and says which they are.
   * @throws CarillonError QUEUE_FULL when the stream has no room for another handler; NATS_UNAVAILABLE
   */
  async ensure(namespace: string, handlers: readonly string[]): Promise<Registered['consumers']> {
    await Promise.all(handlers.map((handler) => this.#ensure(namespace, handler)))
    return Object.fromEntries(handlers.map((handler) => [handler, { stream: 'WORK', consumer: workConsumer(namespace, handler) }]))
  }

  #ensure(namespace: string, handler: string): Promise<void> {
    const name = workConsumer(namespace, handler)
    const now = this.#now()
    const known = this.#known.get(name)
    if (known && now - known.at < REMEMBER_MS) return known.made
    const made = this.#make(namespace, handler)
    this.#known.set(name, { at: now, made })
    made.catch(() => {
      if (this.#known.get(name)?.made === made) this.#known.delete(name)
    })
    return made
  }

  async #make(namespace: string, handler: string): Promise<void> {
    try {
      await ensureConsumer(this.#broker.manager, 'WORK', {
        durable_name: workConsumer(namespace, handler),
        filter_subject: workFilter(namespace, handler),
        ack_wait: TIMES.ackWaitMs * NANOS_PER_MS,
        max_ack_pending: MAX_ACK_PENDING,
      })
    } catch (error) {
      throw refusal(handler, error)
    }
  }
}

function refusal(handler: string, error: unknown): CarillonError {
  if (apiErrorCode(error) === TOO_MANY_CONSUMERS) {
    return new CarillonError('QUEUE_FULL', `handler ${handler} gets no queue: stream WORK has as many consumers as the broker allows`, {
      field: 'handlers',
      value: handler,
      hint: 'Delete the consumers of handlers that nobody offers any more, or raise max_consumers of stream WORK.',
      cause: error,
    })
  }
  return new CarillonError('NATS_UNAVAILABLE', `the queue of handler ${handler} could not be made: ${(error as Error).message}`, {
    field: 'handlers',
    value: handler,
    cause: error,
  })
}
