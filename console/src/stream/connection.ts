import { createParser } from 'eventsource-parser'
import { request } from '../api/request.ts'
import type { Clock } from '../time/clock.ts'
import { liveState, readNews, retryDelayMs, SILENCE_MS, type StreamMessage, type StreamState, topicChanges } from './rules.ts'

export interface ConnectionListener {
  message(message: StreamMessage): void
  /** These topics are subscribed from now on, or something of them was lost: their snapshots are to be read again. */
  resync(topics: readonly string[]): void
  state(state: StreamState): void
  /** Nobody is signed in any more. */
  signedOut(): void
}

export interface ConnectionOptions {
  readonly namespace: string
  readonly clock: Clock
  /** From 0 up to 1. */
  readonly chance: () => number
  readonly listener: ConnectionListener
}

const UNAUTHORIZED = 401
const CHECK_MS = 2_000
const pathOf = (namespace: string, topics: Iterable<string>) =>
  `/api/v1/stream?${new URLSearchParams({ namespace, topics: [...topics].join(',') })}`

/** The one connection for changes: it is opened again for ever, and goes on where it was. */
export class Connection {
  readonly #options: ConnectionOptions
  #wanted: ReadonlySet<string> = new Set()
  /** What the open stream was asked for. */
  #active: ReadonlySet<string> = new Set()
  #stream: string | undefined
  #lastId: string | undefined
  #abort: AbortController | undefined
  #tries = 0
  #heardAt = 0
  #stopped = false
  #updating = false
  readonly #timers = new Set<() => void>()

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  start(): void {
    this.#open()
    this.#watch()
  }

  stop(): void {
    this.#stopped = true
    this.#abort?.abort()
    for (const cancel of this.#timers) cancel()
  }

  /** Subscribes to exactly these topics. */
  want(topics: ReadonlySet<string>): void {
    this.#wanted = topics
    this.#update().catch(() => this.#reopen())
  }

  /** Now, without waiting: the network is back, or the page is seen again. */
  wake(): void {
    const silentMs = this.#options.clock.now() - this.#heardAt
    // An open connection that is silent for longer than a heartbeat may have ended while this machine slept.
    if (this.#stopped || (this.#stream !== undefined && liveState(silentMs) === 'live')) return
    this.#tries = 0
    this.#reopen()
  }

  #open(): void {
    const abort = new AbortController()
    this.#abort = abort
    this.#heardAt = this.#options.clock.now()
    this.#read(abort)
      .catch(() => undefined)
      .then(() => {
        if (this.#abort !== abort || this.#stopped) return
        this.#stream = undefined
        this.#options.listener.state('reconnecting')
        this.#after(retryDelayMs(this.#tries++, this.#options.chance()), () => this.#abort === abort && this.#open())
      })
      .catch(() => undefined)
  }

  async #read(abort: AbortController): Promise<void> {
    const topics = this.#wanted
    this.#active = topics
    const response = await fetch(pathOf(this.#options.namespace, topics), {
      credentials: 'same-origin',
      cache: 'no-store',
      headers: { accept: 'text/event-stream', ...(this.#lastId === undefined ? {} : { 'last-event-id': this.#lastId }) },
      signal: abort.signal,
    })
    if (response.status === UNAUTHORIZED) this.#options.listener.signedOut()
    if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`)
    const parser = createParser({ onEvent: (event) => this.#take(event), maxBufferSize: 8 * 1024 * 1024 })
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      // Heartbeats are comments: any text is a sign of life.
      this.#heard()
      parser.feed(part.value)
    }
  }

  #take({ event, id, data }: { event?: string | undefined; id?: string | undefined; data: string }): void {
    const news = readNews(event, data)
    const { listener } = this.#options
    if (news?.kind === 'hello') {
      this.#stream = news.stream
      this.#tries = 0
      listener.state('live')
      // Without a place to go on from, everything may have changed before the stream began.
      if (this.#lastId === undefined) listener.resync([...this.#active])
      this.#update().catch(() => this.#reopen())
    }
    if (news?.kind === 'resync') listener.resync(news.topics ?? [...this.#active])
    if (news?.kind === 'message') listener.message(news.message)
    if (id !== undefined) this.#lastId = id
  }

  /** Changes the topics of the open stream. One request at a time: the last wish counts. */
  async #update(): Promise<void> {
    if (this.#stream === undefined || this.#updating) return
    this.#updating = true
    try {
      for (;;) {
        const [wanted, stream] = [this.#wanted, this.#stream]
        const { add, remove } = topicChanges(this.#active, wanted)
        if ((add.length === 0 && remove.length === 0) || stream === undefined) return
        await request(`/api/v1/stream/${encodeURIComponent(stream)}`, { method: 'POST', body: { add, remove } })
        this.#active = wanted
        if (add.length > 0) this.#options.listener.resync(add)
      }
    } finally {
      this.#updating = false
    }
  }

  #reopen(): void {
    if (this.#stopped) return
    this.#abort?.abort()
    this.#stream = undefined
    this.#open()
  }

  #heard(): void {
    this.#heardAt = this.#options.clock.now()
  }

  #watch(): void {
    const silentMs = this.#options.clock.now() - this.#heardAt
    if (this.#stream !== undefined) {
      if (silentMs > SILENCE_MS) {
        this.#options.listener.state('reconnecting')
        this.#reopen()
      } else this.#options.listener.state(liveState(silentMs))
    }
    this.#after(CHECK_MS, () => this.#watch())
  }

  #after(ms: number, run: () => void): void {
    if (this.#stopped) return
    const cancel = this.#options.clock.after(ms, () => {
      this.#timers.delete(cancel)
      run()
    })
    this.#timers.add(cancel)
  }
}
