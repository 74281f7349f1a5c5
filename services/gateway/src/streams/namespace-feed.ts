import { messageOf, SUBJECT_ROOT } from '@carillon/contracts'
import type { Broker, Clock, Logger } from '@carillon/runtime'
import { eventId, type FrameEvent, frameOf } from './rules/frame.ts'
import { type Entry, Ring, type RingLimits } from './rules/ring.ts'
import { topicMessage } from './rules/topic-message.ts'
import type { Topic } from './rules/topics.ts'

/**
 * Some seconds of a busy namespace, so that a reader whose connection broke continues where it was; what is older is a snapshot's business.
 * The bytes bound what a namespace costs a gateway, the count what a reader has to be sent at once.
 */
const RING: RingLimits = { entries: 20_000, bytes: 8 * 1024 * 1024 }
/**
 * How long a topic stays subscribed after its last reader: a reader whose connection broke, or whose page was changed, is back within that time and continues
 * without a gap.
 */
const LINGER_MS = 15_000
const SECOND_MS = 1_000

/** Gets the entries of the topics that it follows. */
export interface TopicListener {
  offer(entry: Entry): void
}

export interface FeedOptions {
  readonly gatewayId: string
  readonly namespace: string
  readonly connection: Broker['connection']
  readonly clock: Clock
  readonly log: Logger
  /** The next number of an entry of this gateway: no two have the same, in whatever namespace. */
  readonly nextSeq: () => number
  /** Called when no topic is subscribed any more. */
  readonly onUnused: () => void
}

interface Followed {
  readonly topic: Topic
  readonly listeners: Set<TopicListener>
  readonly stop: () => void
  /** From this number on nothing of the topic is missing. */
  readonly sinceSeq: number
  isEnding: { cancel(): void } | undefined
  /** Of the second that began then. */
  countedFrom: number
  count: number
}

/** What is followed of one namespace: a subscription for each subject, however many read it, and the newest entries. */
export class NamespaceFeed {
  readonly ring = new Ring(RING)
  readonly #options: FeedOptions
  readonly #followed = new Map<string, Followed>()

  constructor(options: FeedOptions) {
    this.#options = options
  }

  /** Topics that are subscribed. */
  get topics(): number {
    return this.#followed.size
  }

  /** Gives the listener what comes of a topic as soon as the broker has the subscription. */
  follow(topic: Topic, listener: TopicListener): void {
    const followed = this.#followed.get(topic.name) ?? this.#subscribe(topic)
    followed.isEnding?.cancel()
    followed.isEnding = undefined
    followed.listeners.add(listener)
  }

  unfollow(name: string, listener: TopicListener): void {
    const followed = this.#followed.get(name)
    if (!followed?.listeners.delete(listener) || followed.listeners.size > 0) return
    followed.isEnding = this.#options.clock.after(LINGER_MS, () => this.#end(followed))
  }

  /** Whether everything of the topic behind that number is in the ring. */
  continuesAfter(name: string, seq: number): boolean {
    const followed = this.#followed.get(name)
    return followed !== undefined && seq >= followed.sinceSeq && this.ring.holdsAfter(seq)
  }

  /** Messages may have been missed: every reader is asked to read again. */
  resync(reason: string): void {
    for (const followed of this.#followed.values()) this.#askToRead(followed, reason)
  }

  close(): void {
    for (const followed of [...this.#followed.values()]) this.#end(followed)
  }

  #subscribe(topic: Topic): Followed {
    const { connection, namespace, nextSeq, log } = this.#options
    const subscriptions = topic.subjects.map((rest) =>
      connection.subscribe(`${SUBJECT_ROOT}.${namespace}.${rest}`, {
        callback: (error, message) => {
          if (error) log.warn({ evt: 'stream.subject-refused', subject: rest, error: messageOf(error) }, 'a subject cannot be followed')
          else this.#take(followed, message.subject, message.data)
        },
      }),
    )
    const followed: Followed = {
      topic,
      listeners: new Set(),
      stop: () => {
        for (const subscription of subscriptions) if (!subscription.isClosed()) subscription.unsubscribe()
      },
      sinceSeq: nextSeq(),
      isEnding: undefined,
      countedFrom: 0,
      count: 0,
    }
    this.#followed.set(topic.name, followed)
    return followed
  }

  #end(followed: Followed): void {
    followed.isEnding?.cancel()
    followed.stop()
    this.#followed.delete(followed.topic.name)
    if (this.#followed.size === 0) this.#options.onUnused()
  }

  #take(followed: Followed, subject: string, bytes: Uint8Array): void {
    const { topic } = followed
    if (!this.#isWithinRate(followed)) return
    try {
      const message = topicMessage(topic, subject, bytes)
      if (message) this.#publish(followed, message)
    } catch (error) {
      // Anyone who may publish to the subject may publish garbage; services that keep it reject it with an event.
      this.#options.log.debug({ evt: 'stream.unreadable', subject, error: messageOf(error) }, 'a message cannot be shown')
    }
  }

  /** Beyond the rate of its topic a message is left out, and readers are asked once to read the list again. */
  #isWithinRate(followed: Followed): boolean {
    const { perSecond } = followed.topic
    if (perSecond === undefined) return true
    const { clock } = this.#options
    const now = clock.monotonic()
    if (now - followed.countedFrom >= SECOND_MS) {
      followed.countedFrom = now
      followed.count = 0
    }
    followed.count++
    if (followed.count === perSecond + 1)
      clock.after(followed.countedFrom + SECOND_MS - now, () => this.#askToRead(followed, 'too-many-changes'))
    return followed.count <= perSecond
  }

  #askToRead(followed: Followed, reason: string): void {
    this.#publish(followed, { event: 'resync', data: { topics: [followed.topic.name], reason } })
  }

  #publish({ topic, listeners }: Followed, { event, data, redacted }: { event: FrameEvent; data: object; redacted?: object }): void {
    const { nextSeq, gatewayId } = this.#options
    const seq = nextSeq()
    const id = eventId(gatewayId, seq)
    const frame = frameOf({ id, event, data })
    const entry = { seq, topic: topic.name, frame, redacted: redacted ? frameOf({ id, event, data: redacted }) : frame }
    this.ring.push(entry)
    for (const listener of listeners) listener.offer(entry)
  }
}
