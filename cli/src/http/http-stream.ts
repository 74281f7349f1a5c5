import { isName } from '@carillon/contracts'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { pause } from '../clock.ts'
import type { HttpCalls } from './http-calls.ts'

/** An event of a topic; `resync`: some may have been missed. */
export interface StreamEvent {
  readonly kind: 'change' | 'log' | 'resync'
  readonly noun?: string
  readonly what?: string
  readonly body?: unknown
}
type Hear = (event: StreamEvent) => void

const RECONNECT_MS = 1_000
/** A gateway that takes no stream does not hold up a call: what is missed is found by reading. */
const OPENED_WITHIN_MS = 2_000

/** The one stream of server-sent events of a command, with the topics that it follows. */
export class HttpStream {
  readonly #calls: HttpCalls
  readonly #namespace: string
  readonly #topics = new Map<string, Set<Hear>>()
  #stopped = new AbortController()
  #current = new AbortController()
  /** Resolves when the stream has the topics, or cannot have them. */
  #ready: Promise<void> = Promise.resolve()
  #lastId: string | undefined
  #hasLogs = true

  constructor(calls: HttpCalls, namespace: string) {
    this.#calls = calls
    this.#namespace = namespace
  }

  /** Follows a topic from the next call on; answers a function that ends it. */
  follow(topic: string, hear: Hear): () => void {
    const listeners = this.#topics.get(topic) ?? new Set()
    const isNew = listeners.size === 0
    listeners.add(hear)
    this.#topics.set(topic, listeners)
    if (isNew) this.#reopen()
    return () => {
      listeners.delete(hear)
      if (listeners.size === 0) this.#topics.delete(topic)
      if (this.#topics.size === 0) this.#current.abort()
    }
  }

  /** What is followed by then is heard from then on. */
  async opened(): Promise<void> {
    await this.#ready
  }

  close(): void {
    this.#stopped.abort()
    this.#current.abort()
  }

  /** With the topics of this turn: those that are added together make one connection. */
  #reopen(): void {
    this.#current.abort()
    const current = new AbortController()
    this.#current = current
    this.#ready = new Promise<void>((settle) => {
      const resolve = () => settle()
      queueMicrotask(() => {
        if (current.signal.aborted) return settle(this.#ready)
        this.#keepOpen(current.signal, resolve).catch(resolve)
        pause(OPENED_WITHIN_MS, AbortSignal.any([current.signal, this.#stopped.signal])).then(() => resolve(), resolve)
      })
    })
  }

  async #keepOpen(signal: AbortSignal, ready: () => void): Promise<void> {
    while (!signal.aborted && !this.#stopped.signal.aborted) {
      const isRefused = await this.#open(signal, ready).catch(() => false)
      ready()
      if (signal.aborted) return
      if (isRefused && !this.#withoutLogs()) return
      if (!(await pause(isRefused ? 0 : RECONNECT_MS, signal))) return
      // What happened meanwhile is found by reading.
      this.#tellAll({ kind: 'resync' })
    }
  }

  /** Without the payload right the topic of the log is forbidden: the stream is opened again without it. Answers whether there was one to leave out. */
  #withoutLogs(): boolean {
    const had = this.#hasLogs
    this.#hasLogs = false
    return had
  }

  /** Reads until the connection ends; answers whether the gateway refuses the stream. */
  async #open(signal: AbortSignal, ready: () => void): Promise<boolean> {
    const topics = [...this.#topics.keys()].filter((topic) => this.#hasLogs || !topic.startsWith('logs:'))
    if (topics.length === 0) return true
    const query = new URLSearchParams({ namespace: this.#namespace, topics: topics.join(',') })
    const headers = { ...this.#calls.headers(), accept: 'text/event-stream', ...(this.#lastId ? { 'last-event-id': this.#lastId } : {}) }
    const response = await fetch(this.#calls.address(`/api/v1/stream?${query}`), { headers, signal, redirect: 'manual' })
    if (!response.ok || response.body === null) {
      await response.body?.cancel()
      return response.status < 500 && response.status !== 429
    }
    const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
    for await (const { id, event, data } of events) {
      if (id !== undefined) this.#lastId = id
      if (event === 'hello') ready()
      else this.#take(event, data)
    }
    return false
  }

  #take(event: string | undefined, data: string): void {
    if (event !== 'change' && event !== 'log' && event !== 'resync') return
    if (event === 'resync') {
      this.#tellAll({ kind: 'resync' })
      return
    }
    const { topic, noun, what, body } = readObject(data) as { topic?: unknown; noun?: unknown; what?: unknown; body?: unknown }
    const listeners = typeof topic === 'string' ? this.#topics.get(topic) : undefined
    for (const hear of listeners ?? []) hear({ kind: event, ...(isName(noun) ? { noun } : {}), ...(isName(what) ? { what } : {}), body })
  }

  #tellAll(event: StreamEvent): void {
    for (const listeners of this.#topics.values()) for (const hear of listeners) hear(event)
  }
}

function readObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    // Whatever a proxy adds is no event of ours.
    return {}
  }
}
