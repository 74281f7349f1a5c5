import type { Clock, Timer } from '@carillon/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { joinFrames } from './join-frames.ts'

/** What one turn of the event loop gives a reader is one write; more waits until the socket has taken it. */
const TURN_BYTES = 64 * 1024
/** A client that does not take the last bytes of an ended stream is cut off. */
const END_WITHIN_MS = 5_000

export interface ConnectionListener {
  /** There is room again. */
  ready(): void
  closed(): void
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // Proxies neither keep, change nor compress it.
  'cache-control': 'no-cache, no-transform',
  // nginx passes it on at once.
  'x-accel-buffering': 'no',
} as const

/** A response that stays open. It takes what there is room for; the caller keeps the rest, or ends it. */
export class SseConnection {
  readonly #raw: FastifyReply['raw']
  readonly #clock: Clock
  readonly #listener: ConnectionListener
  #pending: Buffer[] = []
  #pendingBytes = 0
  #isBlocked = false
  #blockedSince = 0
  #isEnding = false
  #isClosed = false
  #cut: Timer | undefined

  /** Takes the reply over. The headers that hooks have set on it are sent, too. */
  constructor({ reply, clock, listener }: { reply: FastifyReply; clock: Clock; listener: ConnectionListener }) {
    this.#clock = clock
    this.#listener = listener
    reply.hijack()
    this.#raw = reply.raw
    this.#raw.on('drain', () => this.#drained())
    this.#raw.on('close', () => this.#close())
    this.#raw.on('error', () => this.#raw.destroy())
    this.#raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...HEADERS })
    this.#raw.flushHeaders()
    // The client may have gone while its rights were checked: then there is no event of it any more.
    if (this.#raw.destroyed || this.#raw.socket === null || this.#raw.socket.destroyed) process.nextTick(() => this.#close())
  }

  /** Whether a frame is taken now. */
  get isReady(): boolean {
    return !this.#isBlocked && !this.#isEnding && this.#pendingBytes < TURN_BYTES
  }

  /** Bytes that the client has not taken yet. */
  get queuedBytes(): number {
    return this.#pendingBytes + this.#raw.writableLength
  }

  /** For how long the client has taken nothing, in ms. */
  get blockedMs(): number {
    return this.#isBlocked ? this.#clock.monotonic() - this.#blockedSince : 0
  }

  send(frame: Buffer): void {
    if (this.#isEnding || this.#isClosed) return
    this.#pending.push(frame)
    this.#pendingBytes += frame.length
    // What the broker has sent in this turn leaves in one write.
    if (this.#pending.length === 1) process.nextTick(() => this.#flush())
  }

  /** Ends the stream with a last frame. */
  end(last: Buffer): void {
    if (this.#isEnding || this.#isClosed) return
    this.#isEnding = true
    this.#raw.end(Buffer.concat([...this.#pending, last]))
    this.#pending = []
    this.#pendingBytes = 0
    this.#cut = this.#clock.after(END_WITHIN_MS, () => this.#raw.destroy())
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#raw.destroy()
  }

  #flush(): void {
    const frames = this.#pending
    if (frames.length === 0 || this.#isClosed) return
    this.#pending = []
    this.#pendingBytes = 0
    this.#isBlocked = !this.#raw.write(joinFrames(frames))
    if (this.#isBlocked) this.#blockedSince = this.#clock.monotonic()
    else this.#listener.ready()
  }

  #drained(): void {
    this.#isBlocked = false
    if (!this.#isEnding) this.#listener.ready()
  }

  #close(): void {
    this.#cut?.cancel()
    if (this.#isClosed) return
    this.#isClosed = true
    this.#listener.closed()
  }
}

/** `HEAD` is answered by the same routes: there is a stream, and nobody reads it. */
export const isHead = ({ method }: FastifyRequest): boolean => method === 'HEAD'
