import { CarillonError, PRIORITIES, type Priority, type Registered, TIMES, workConsumer, workFilter } from '@carillon/contracts'
import { apiErrorCode, type Broker, type Clock, ensureConsumer, type Logger } from '@carillon/runtime'
import type { HandlerQueue } from './rules/vanished-handlers.ts'

type ConsumerInfo = Awaited<ReturnType<Broker['manager']['consumers']['info']>>

const TOO_MANY_CONSUMERS = 10026
const CONSUMER_NOT_FOUND = 10014
/** Tasks of one handler under way at once, over all instances: the largest instance alone may take this many. */
const MAX_ACK_PENDING = 10_000
const NANOS_PER_MS = 1_000_000
/**
 * How long the existence of a consumer is cached. A burst of executors with the same handlers queries the broker once; one that finds
 * its consumer gone and registers again a little later gets it back.
 */
const REMEMBER_MS = 5_000
/** Read and compared in each round: with up to so many handlers a change is reverted within seconds, with a thousand within minutes. */
const CHECKED_IN_TURN = 20
const NAMES_SUBJECT = '$JS.API.CONSUMER.NAMES.WORK'
const ASK_WITHIN_MS = 5_000

/** An offered handler. */
export interface OfferedHandler {
  readonly namespace: string
  readonly handler: string
}

interface Queue extends OfferedHandler {
  readonly priority?: Priority
}

/** Priorities whose consumers are made when they are needed. */
export const OTHERS = PRIORITIES.filter((priority) => priority !== 'normal')

/** The durable consumers of handlers in stream WORK. */
export class WorkConsumers {
  readonly #broker: Broker
  readonly #clock: Clock
  readonly #log: Logger
  readonly #known = new Map<string, { at: number; made: Promise<void> }>()
  /** Those of other priorities than normal. They are made when the stream has such work first, and found in its list of consumers. */
  readonly #prioritized = new Set<string>()
  /** Those of them that are being made. */
  readonly #prioritizing = new Set<string>()
  #listed: Promise<void> | undefined
  /** Consumers whose settings were checked, the one whose turn comes next first. */
  readonly #checked = new Set<string>()

  constructor(options: { broker: Broker; clock: Clock; log: Logger }) {
    this.#broker = options.broker
    this.#clock = options.clock
    this.#log = options.log
  }

  /** The broker may have lost everything. */
  forget(): void {
    this.#known.clear()
    this.#checked.clear()
    this.#prioritized.clear()
    this.#listed = undefined
  }

  /**
   * Creates the consumers that are missing, and answers which they are.
   * @throws CarillonError QUEUE_FULL when the stream has no room for another handler; NATS_UNAVAILABLE
   */
  async ensure(namespace: string, handlers: readonly string[]): Promise<Registered['consumers']> {
    await Promise.all(handlers.map((handler) => this.#ensure({ namespace, handler })))
    await this.#list()
    return Object.fromEntries(handlers.map((handler) => [handler, this.#consumersOf({ namespace, handler })]))
  }

  #consumersOf({ namespace, handler }: OfferedHandler): Registered['consumers'][string] {
    const others = OTHERS.map((priority) => [priority, workConsumer(namespace, handler, priority)] as const)
    const made = others.filter(([, name]) => this.#prioritized.has(name))
    return { stream: 'WORK', consumer: workConsumer(namespace, handler), ...Object.fromEntries(made) }
  }

  /** Which consumers of other priorities there are: read once, then kept. */
  #list(): Promise<void> {
    this.#listed ??= this.#names().then((names) => this.#keepPrioritized(names))
    this.#listed.catch(() => {
      this.#listed = undefined
    })
    return this.#listed
  }

  #keepPrioritized(names: ReadonlySet<string>): void {
    for (const name of names) if (OTHERS.some((priority) => name.endsWith(`~${priority}`))) this.#prioritized.add(name)
  }

  /** The consumer of a handler's work of another priority than normal. @returns whether it was not known before @throws CarillonError as `ensure` */
  async prioritize(offered: OfferedHandler, priority: Priority): Promise<boolean> {
    const name = workConsumer(offered.namespace, offered.handler, priority)
    if (this.#prioritized.has(name) || this.#prioritizing.has(name)) return false
    this.#prioritizing.add(name)
    try {
      await this.#ensure({ ...offered, priority })
      // It may have been listed meanwhile: the executors have to register again nevertheless.
      this.#prioritized.add(name)
      return true
    } finally {
      this.#prioritizing.delete(name)
    }
  }

  /** Whether the stream has work of this priority, whose consumer is not known yet. @throws Error of the broker */
  async lacks({ namespace, handler }: OfferedHandler, priority: Priority): Promise<boolean> {
    if (this.#prioritized.has(workConsumer(namespace, handler, priority))) return false
    const filter = workFilter(namespace, handler, priority)
    return (await this.#broker.manager.direct.getMessage('WORK', { next_by_subj: filter, seq: 1 })) !== null
  }

  /**
   * Makes those of offered handlers that are missing, and gives each the settings of this version: all of them when they are seen first, then a
   * few in turn, because an operator may change one at any time. @throws CarillonError as `ensure`
   */
  async reconcile(offered: Iterable<OfferedHandler>, lastSequence: number): Promise<void> {
    const there = await this.#names()
    this.#keepPrioritized(there)
    for (const name of [...this.#checked].slice(0, CHECKED_IN_TURN)) this.#checked.delete(name)
    const making: Promise<void>[] = []
    for (const { namespace, handler } of offered) {
      for (const priority of PRIORITIES) {
        const name = workConsumer(namespace, handler, priority)
        if (priority !== 'normal' && !this.#prioritized.has(name)) continue
        if (there.has(name) && this.#checked.has(name)) continue
        this.#known.delete(name)
        making.push(this.#ensure({ namespace, handler, priority }, lastSequence).catch((error: unknown) => this.#refused(handler, error)))
      }
    }
    await Promise.all(making)
  }

  /** One handler for which there is no room does not affect the others. */
  #refused(handler: string, error: unknown): void {
    if (!CarillonError.is(error) || error.code === 'NATS_UNAVAILABLE') throw error
    this.#log.warn({ evt: 'consumer.unmade', handler, err: error }, 'a handler has no queue')
  }

  /** Names alone: the broker would read the state of a thousand consumers from disk. */
  async #names(): Promise<Set<string>> {
    const names = new Set<string>()
    for (let total = 1; names.size < total; ) {
      const answer = await this.#broker.connection.request(NAMES_SUBJECT, JSON.stringify({ offset: names.size }), {
        timeout: ASK_WITHIN_MS,
      })
      const page = answer.json<{ total?: number; consumers?: string[]; error?: { description: string } }>()
      if (page.error) throw new CarillonError('NATS_UNAVAILABLE', `the consumers of WORK cannot be listed: ${page.error.description}`)
      if (!page.consumers?.length) break
      for (const name of page.consumers) names.add(name)
      total = page.total ?? 0
    }
    return names
  }

  /** The queues of all handlers. @throws Error of the broker */
  async list(): Promise<HandlerQueue[]> {
    const queues: HandlerQueue[] = []
    for await (const info of this.#broker.manager.consumers.list('WORK')) queues.push(queueOf(info))
    return queues
  }

  /** What the queue held stays in the stream, for an instance that offers the handler again. @throws Error of the broker */
  async remove(name: string): Promise<void> {
    this.#known.delete(name)
    this.#checked.delete(name)
    this.#prioritized.delete(name)
    await this.#broker.manager.consumers.delete('WORK', name).catch((error: unknown) => {
      if (apiErrorCode(error) !== CONSUMER_NOT_FOUND) throw error
    })
  }

  #ensure(queue: Queue, lastSequence?: number): Promise<void> {
    const name = workConsumer(queue.namespace, queue.handler, queue.priority)
    const now = this.#clock.monotonic()
    const known = this.#known.get(name)
    if (known && now - known.at < REMEMBER_MS) return known.made
    const made = this.#make(queue, lastSequence)
    this.#known.set(name, { at: now, made })
    made.then(
      () => this.#checked.add(name),
      () => {
        if (this.#known.get(name)?.made === made) this.#known.delete(name)
      },
    )
    return made
  }

  async #make({ namespace, handler, priority }: Queue, lastSequence?: number): Promise<void> {
    try {
      await ensureConsumer(this.#broker.manager, 'WORK', {
        durable_name: workConsumer(namespace, handler, priority),
        filter_subject: workFilter(namespace, handler, priority),
        ack_wait: TIMES.ackWaitMs * NANOS_PER_MS,
        max_ack_pending: MAX_ACK_PENDING,
        ...(lastSequence === undefined ? {} : { lastSequence }),
      })
    } catch (error) {
      throw refusal(handler, error)
    }
  }
}

function queueOf(info: ConsumerInfo): HandlerQueue {
  const { name, created, delivered, ack_floor: acknowledged, num_pending: waiting, num_ack_pending: underWay, num_waiting: pulls } = info
  // The client's types declare nanoseconds; the server sends a date, or nothing where there was nothing yet.
  const times = [created, delivered.last_active, acknowledged.last_active].map((at) => Date.parse(String(at)))
  const activeAt = Math.max(...times.filter((at) => !Number.isNaN(at)))
  return { name, now: Date.parse(info.ts ?? created), activeAt, messages: waiting + underWay, pulls }
}

function refusal(handler: string, error: unknown): CarillonError {
  if (CarillonError.is(error)) return error
  if (apiErrorCode(error) === TOO_MANY_CONSUMERS) {
    return new CarillonError('QUEUE_FULL', `handler ${handler} gets no queue: stream WORK has as many consumers as the broker allows`, {
      field: 'handlers',
      value: handler,
      hint: 'Queues of handlers that are not offered are removed after a time, see CARILLON_HANDLER_RETENTION_HOURS; or raise max_consumers of stream WORK.',
      cause: error,
    })
  }
  return new CarillonError('NATS_UNAVAILABLE', `the queue of handler ${handler} could not be made: ${(error as Error).message}`, {
    field: 'handlers',
    value: handler,
    cause: error,
  })
}
