import { CarillonError, checkName, messageOf, parseInput, printable } from '@carillon/contracts'
import type { Broker, Clock, Logger, Service } from '@carillon/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { principalOf } from '../http/http-controller.ts'
import { NamespaceFeed } from './namespace-feed.ts'
import type { OpenStreams } from './open-streams.ts'
import { endFrame, eventId, frameOf, seqOf } from './rules/frame.ts'
import { checkTopicCount, checkTopicRights, topicOf, topicsOf } from './rules/topics.ts'
import { resyncFrame, TopicReader } from './topic-reader.ts'

export const querySchema = z.strictObject({ namespace: z.string(), topics: z.union([z.string(), z.array(z.string())]).optional() })
export const changeSchema = z.strictObject({ add: z.array(z.string()).default([]), remove: z.array(z.string()).default([]) })

export interface TopicStreamsOptions {
  readonly gatewayId: string
  readonly connection: Broker['connection']
  readonly streams: OpenStreams
  readonly clock: Clock
  readonly log: Logger
}

/** What a change of topics answers. */
export interface TopicsChanged {
  readonly topics: readonly string[]
  /** What happens from now on comes behind this id: a snapshot that is read now misses nothing. */
  readonly cursor: string
}

interface Opened {
  readonly namespace: string
  readonly topicReader: TopicReader
}

/** The multiplexed stream: one connection for everything that a browser follows in a namespace. */
export class TopicStreams implements Service {
  readonly #options: TopicStreamsOptions
  readonly #feeds = new Map<string, NamespaceFeed>()
  readonly #opened = new Map<string, Opened>()
  #seq = 0

  constructor(options: TopicStreamsOptions) {
    this.#options = options
  }

  /** Subscriptions of the broker that readers share. */
  get subscribedTopics(): number {
    return [...this.#feeds.values()].reduce((sum, { topics }) => sum + topics, 0)
  }

  /** @throws CarillonError FORBIDDEN, INVALID_NAME, INVALID_REQUEST, TOO_MANY_STREAMS */
  async open(request: FastifyRequest, reply: FastifyReply): Promise<undefined> {
    const { streams, gatewayId } = this.#options
    const query = parseInput(querySchema, request.query, 'query')
    const namespace = checkName('namespace', query.namespace)
    const topics = topicsOf(query.topics)
    const reader = principalOf(request)
    checkTopicRights(reader, namespace, topics)
    streams.admit(reader, request.ip)
    const feed = this.#feedOf(namespace)
    const lastId = request.headers['last-event-id']
    const lastSeq = seqOf(lastId, gatewayId)
    const continued = lastSeq === undefined ? [] : topics.filter(({ name }) => feed.continuesAfter(name, lastSeq))
    const position = continued.length > 0 ? (lastSeq as number) : this.#seq
    const { id, connection } = streams.open({ request, reply }, { reader, namespace, sourceOf: (opened) => this.#sourceOf(opened.id) })
    const topicReader = new TopicReader({
      feed,
      connection,
      seesPayloads: reader.seesPayloads(namespace),
      position,
      onTooSlow: () => {
        connection.end(resyncFrame({ id: eventId(gatewayId, this.#seq), topics: topicReader.topics, reason: 'too-slow' }))
        topicReader.close()
      },
    })
    this.#opened.set(id, { namespace, topicReader })
    for (const topic of topics) topicReader.add(topic)
    if (!(await this.#isSubscribed())) {
      connection.end(endFrame('stopping'))
      return
    }
    const cursor = eventId(gatewayId, position)
    connection.send(frameOf({ id: cursor, event: 'hello', data: { stream: id, cursor, topics: topicReader.topics } }))
    const missed = topics.filter((topic) => !continued.includes(topic)).map(({ name }) => name)
    if (lastId !== undefined && missed.length > 0) connection.send(resyncFrame({ topics: missed, reason: 'unknown-cursor' }))
    topicReader.pump()
  }

  /**
   * Adds and removes topics of a stream that the sender has opened.
   * @throws CarillonError STREAM_NOT_FOUND, FORBIDDEN, INVALID_REQUEST
   */
  async change(id: string, request: FastifyRequest): Promise<TopicsChanged> {
    const { streams, gatewayId } = this.#options
    const reader = principalOf(request)
    const opened = streams.isOpen(id, reader) ? this.#opened.get(id) : undefined
    if (opened === undefined) throw streamNotFound(id)
    const { namespace, topicReader } = opened
    const { add, remove } = parseInput(changeSchema, request.body ?? {}, 'body')
    checkTopicCount(add.length)
    checkTopicCount(remove.length)
    const topics = add.map(topicOf)
    checkTopicRights(reader, namespace, topics)
    const kept = topicReader.topics.filter((name) => !remove.includes(name))
    checkTopicCount(new Set([...kept, ...add]).size)
    for (const name of remove) topicReader.remove(name)
    for (const topic of topics) topicReader.add(topic)
    await this.#isSubscribed()
    return { topics: topicReader.topics, cursor: eventId(gatewayId, this.#seq) }
  }

  /** The connection to the broker was away: messages that are not stored were missed. */
  async resync(): Promise<void> {
    if (!(await this.#isSubscribed())) return
    for (const feed of this.#feeds.values()) feed.resync('broker-away')
  }

  /** Topics are subscribed by their readers. */
  start(): Promise<void> {
    return Promise.resolve()
  }

  /** After the streams have ended: no subscription is left. */
  async stop(): Promise<void> {
    for (const feed of [...this.#feeds.values()]) feed.close()
  }

  #sourceOf(id: string) {
    return {
      ready: () => this.#opened.get(id)?.topicReader.pump(),
      closed: () => {
        this.#opened.get(id)?.topicReader.close()
        this.#opened.delete(id)
      },
    }
  }

  #feedOf(namespace: string): NamespaceFeed {
    const { gatewayId, connection, clock, log } = this.#options
    const found = this.#feeds.get(namespace)
    if (found) return found
    const feed = new NamespaceFeed({
      ...{ gatewayId, namespace, connection, clock, log },
      nextSeq: () => ++this.#seq,
      onUnused: () => this.#feeds.delete(namespace),
    })
    this.#feeds.set(namespace, feed)
    return feed
  }

  /** Resolves when the broker has every subscription; while it is away, when it is back. False: the connection was closed. */
  #isSubscribed(): Promise<boolean> {
    const { connection, log } = this.#options
    return connection.flush().then(
      () => true,
      (error: unknown) => {
        log.warn({ evt: 'stream.unsubscribed', error: messageOf(error) }, 'a stream ends: the connection to the broker is closed')
        return false
      },
    )
  }
}

function streamNotFound(id: string): CarillonError {
  return new CarillonError('STREAM_NOT_FOUND', `No stream ${printable(id)} of yours is open at this gateway`, {
    field: 'id',
    value: printable(id),
    hint: 'Open a stream with the topics that you want now; its first event has its id.',
  })
}
