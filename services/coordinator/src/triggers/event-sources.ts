import { CarillonError, printable } from '@carillon/contracts'
import { apiErrorCode, type Broker, ensureConsumer, reserveCapacity } from '@carillon/runtime'
import type { StreamInfo } from '@nats-io/jetstream'
import { covers, smallestCover } from './rules/event-subjects.ts'

/** Takes subjects that no other stream takes. A message stays until the coordinators have it. */
export const CAPTURED = 'CAPTURED'
/** The durable consumer that coordinators share, on each stream that has events. */
export const EVENT_CONSUMER = 'carillon-events'
const [STREAM_NOT_FOUND, CONSUMER_NOT_FOUND] = [10059, 10014]
const CAPTURED_BYTES = 256 * 1024 * 1024
/** With less, events would be refused within seconds. */
const LEAST_CAPTURED_BYTES = 4 * 1024 * 1024

/** What is read for the jobs. */
export interface ReadSources {
  readonly streams: readonly string[]
  /** By subject, why it cannot be read. */
  readonly refused: ReadonlyMap<string, CarillonError>
}

/**
 * Where the events of jobs come from. A subject that a stream takes already is read there, because no two streams may take the same subject; the others are taken
 * by a stream of our own. On each of these streams there is one durable consumer, filtered to the subjects: it keeps its place while coordinators are down.
 */
export class EventSources {
  readonly #broker: Broker
  readonly #replicas: number
  /** Streams on which there was a consumer of ours. */
  readonly #used = new Set<string>()
  /** What no job needed in the round before: a job that names it may have been stored since, so it is removed a round later. */
  #unneeded = new Set<string>()

  constructor({ broker, streamReplicas }: { broker: Broker; streamReplicas: number }) {
    this.#broker = broker
    this.#replicas = streamReplicas
  }

  /**
   * Makes what is missing, and removes what is not needed any more; answers the streams to read, and why subjects cannot be read: an operator may have made
   * a stream since their jobs were stored. They do not affect the others.
   * @param subjects all that jobs name
   * @param options.keeps leaves what no job needs: one of them may be about to be stored
   * @throws Error of the broker
   */
  async reconcile(subjects: readonly string[], options: { keeps: boolean }): Promise<ReadSources> {
    const { wanted, refused } = await this.#wanted(subjects)
    // Where a subject was read before it was refused, its consumer keeps its place.
    const keeps = options.keeps || refused.size > 0
    const { consumers } = this.#broker.manager
    const unneeded = new Set<string>()
    const keptOf = (place: string, there: readonly string[], needed: readonly string[]) =>
      there.filter((pattern) => {
        const key = `${place} ${pattern}`
        const isNeeded = needed.some((other) => covers(other, pattern))
        if (!isNeeded) unneeded.add(key)
        return !isNeeded && (keeps || !this.#unneeded.has(key))
      })
    for (const [stream, subjects] of wanted) {
      const filters = smallestCover(subjects)
      if (stream === CAPTURED) await this.#capture(filters, keptOf)
      const there = await consumers.info(stream, EVENT_CONSUMER).catch(orUndefined(CONSUMER_NOT_FOUND))
      const kept = keptOf(stream, there?.config.filter_subjects ?? [], filters)
      await ensureConsumer(this.#broker.manager, stream, {
        durable_name: EVENT_CONSUMER,
        deliver_policy: 'new',
        filter_subjects: smallestCover([...filters, ...kept]),
        max_ack_pending: 20_000,
      })
    }
    if (!keeps) {
      await this.#removeUnused(wanted, unneeded)
      this.#unneeded = unneeded
    }
    for (const stream of wanted.keys()) this.#used.add(stream)
    return { streams: [...wanted.keys()], refused }
  }

  /** Why a subject cannot be read now; makes nothing. @throws Error of the broker */
  async refusalOf(subject: string): Promise<CarillonError | undefined> {
    const stream = await this.#streamOf(subject)
    return CarillonError.is(stream) ? stream : undefined
  }

  /** The subjects by the stream that they are read from. */
  async #wanted(subjects: readonly string[]): Promise<{ wanted: Map<string, string[]>; refused: Map<string, CarillonError> }> {
    const wanted = new Map<string, string[]>()
    const refused = new Map<string, CarillonError>()
    for (const subject of new Set([...subjects].sort())) {
      const stream = await this.#streamOf(subject)
      if (CarillonError.is(stream)) refused.set(subject, stream)
      else wanted.set(stream, [...(wanted.get(stream) ?? []), subject])
    }
    return { wanted, refused }
  }

  async #removeUnused(wanted: ReadonlyMap<string, unknown>, unneeded: Set<string>): Promise<void> {
    const { consumers, streams } = this.#broker.manager
    for (const stream of this.#used) {
      if (wanted.has(stream)) continue
      unneeded.add(stream)
      if (!this.#unneeded.has(stream)) continue
      if (stream === CAPTURED) await streams.delete(CAPTURED).catch(orUndefined(STREAM_NOT_FOUND))
      else await consumers.delete(stream, EVENT_CONSUMER).catch(orUndefined(CONSUMER_NOT_FOUND, STREAM_NOT_FOUND))
      this.#used.delete(stream)
    }
  }

  async #capture(
    subjects: readonly string[],
    keptOf: (place: string, there: readonly string[], needed: readonly string[]) => string[],
  ): Promise<void> {
    const { streams } = this.#broker.manager
    const there = await streams.info(CAPTURED).catch(orUndefined(STREAM_NOT_FOUND))
    const wanted = smallestCover([...subjects, ...keptOf(`stream ${CAPTURED}`, there?.config.subjects ?? [], subjects)])
    if (!there) await this.#addCaptured(wanted)
    else if (JSON.stringify([...there.config.subjects].sort()) !== JSON.stringify(wanted))
      await streams.update(CAPTURED, { subjects: wanted })
  }

  /** A broker with little room takes half as much, and half of that. @throws CarillonError STORAGE_TOO_SMALL */
  async #addCaptured(subjects: string[], maxBytes = CAPTURED_BYTES): Promise<void> {
    const { manager } = this.#broker
    const limits = { max_bytes: maxBytes, discard: 'new', retention: 'interest', num_replicas: this.#replicas } as const
    const settings = { name: CAPTURED, description: 'Events that fire jobs', subjects, ...limits }
    try {
      await reserveCapacity(manager, { name: CAPTURED, maxBytes }, () => manager.streams.add(settings))
    } catch (error) {
      const isTooLarge = CarillonError.is(error) && error.code === 'STORAGE_TOO_SMALL' && maxBytes > LEAST_CAPTURED_BYTES
      if (!isTooLarge) throw error
      await this.#addCaptured(subjects, maxBytes / 2)
    }
  }

  /** Or why there is none: INVALID_REQUEST. */
  async #streamOf(subject: string): Promise<string | CarillonError> {
    const { streams } = this.#broker.manager
    const names: string[] = []
    for await (const name of streams.names(subject)) if (name !== CAPTURED) names.push(name)
    const [name] = names
    if (name === undefined) return CAPTURED
    const info: StreamInfo = await streams.info(name)
    const isWhole = names.length === 1 && info.config.subjects.some((pattern) => covers(pattern, subject))
    if (isWhole && info.config.retention !== 'workqueue') return name
    const why = isWhole
      ? `stream ${name} deletes a message when one consumer has it`
      : `stream ${names.join(' and ')} takes only a part of it`
    return new CarillonError('INVALID_REQUEST', `on.subject ${printable(subject)} cannot be read: ${why}`, {
      field: 'on.subject',
      value: printable(subject),
      hint: isWhole ? 'Give the stream another retention, limits or interest.' : 'Name subjects that one stream takes, or that none takes.',
    })
  }
}

function orUndefined(...codes: number[]) {
  return (error: unknown) => {
    if (codes.includes(apiErrorCode(error) ?? 0)) return undefined
    throw error
  }
}
