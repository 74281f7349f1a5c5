import type { NamespaceFeed, TopicListener } from './namespace-feed.ts'
import { frameOf } from './rules/frame.ts'
import type { Entry } from './rules/ring.ts'
import type { Topic } from './rules/topics.ts'
import type { SseConnection } from './sse-connection.ts'

/**
 * Bytes that may wait for one reader, in its socket and in the ring: a second of a busy log. Who is further behind reads a snapshot sooner than
 * what it has missed.
 */
const BEHIND_BYTES = 256 * 1024

interface TopicReaderOptions {
  readonly feed: NamespaceFeed
  readonly connection: SseConnection
  readonly seesPayloads: boolean
  /** Everything up to this number has been sent to it. */
  readonly position: number
  /** Called when it is too slow; its stream has to be ended. */
  readonly onTooSlow: () => void
}

/**
 * A reader of topics. Entries stay in the ring, which all readers share, until its socket takes them: what waits for it costs no memory of
 * its own.
 */
export class TopicReader implements TopicListener {
  readonly #options: TopicReaderOptions
  readonly #topics = new Map<string, Topic>()
  #position: number
  /** False: entries behind its position wait in the ring. */
  #isCaughtUp = false
  #behindBytes = 0
  /** Entries from this number on are counted: a reader that continues has to be sent what it has missed, however much that is. */
  #countedFrom: number
  #isClosed = false

  constructor(options: TopicReaderOptions) {
    this.#options = options
    this.#position = options.position
    this.#countedFrom = Number.POSITIVE_INFINITY
  }

  get topics(): readonly string[] {
    return [...this.#topics.keys()]
  }

  has(name: string): boolean {
    return this.#topics.has(name)
  }

  add(topic: Topic): void {
    this.#topics.set(topic.name, topic)
    this.#options.feed.follow(topic, this)
  }

  remove(name: string): void {
    if (this.#topics.delete(name)) this.#options.feed.unfollow(name, this)
  }

  close(): void {
    this.#isClosed = true
    for (const name of this.topics) this.remove(name)
  }

  offer(entry: Entry): void {
    if (this.#isClosed) return
    if (this.#isCaughtUp && this.#options.connection.isReady) {
      this.#send(entry)
      return
    }
    if (this.#isCaughtUp) {
      // Everything before it was sent; entries of other topics may leave the ring meanwhile.
      this.#position = entry.seq - 1
      this.#countedFrom = entry.seq
      this.#isCaughtUp = false
    }
    if (this.#countedFrom > entry.seq) this.#countedFrom = entry.seq
    this.#behindBytes += entry.frame.length
    if (this.#behindBytes + this.#options.connection.queuedBytes > BEHIND_BYTES) this.#options.onTooSlow()
  }

  /** Sends what waits in the ring, as much as there is room for. */
  pump(): void {
    if (this.#isCaughtUp || this.#isClosed) return
    const { feed, connection } = this.#options
    if (!feed.ring.holdsAfter(this.#position)) {
      this.#options.onTooSlow()
      return
    }
    for (const entry of feed.ring.entriesAfter(this.#position)) {
      if (this.#topics.has(entry.topic)) {
        if (!connection.isReady) return
        this.#send(entry)
        if (entry.seq >= this.#countedFrom) this.#behindBytes -= entry.frame.length
      } else this.#position = entry.seq
    }
    this.#isCaughtUp = true
    this.#behindBytes = 0
    this.#countedFrom = Number.POSITIVE_INFINITY
  }

  #send(entry: Entry): void {
    this.#options.connection.send(this.#options.seesPayloads ? entry.frame : entry.redacted)
    this.#position = entry.seq
  }
}

/** The order to read the snapshots of these topics again. */
export const resyncFrame = (options: { id?: string; topics: readonly string[]; reason: string }): Buffer =>
  frameOf({ id: options.id, event: 'resync', data: { topics: options.topics, reason: options.reason } })
