import { jitter, type LoopClock, type Timer } from '@carillon/wire/internal'
import type { Msg, Subscription } from '@nats-io/transport-node'
import type { Link } from '../connection/link.ts'
import type { OnWarning } from '../warning.ts'

export interface PullerOptions {
  readonly link: Link
  readonly clock: LoopClock
  readonly stream: string
  readonly consumer: string
  readonly onWarning: OnWarning
  readonly onWork: (message: Msg) => void
  /** How many messages to request now, given how many are requested already. */
  readonly demand: (requested: number) => number
  /** The inbox of this puller; one token follows it. */
  readonly onInbox: (inbox: string) => void
  /** The consumer or its stream does not exist any more. */
  readonly onMissing: () => void
}

/** Requests end at the same moments, so that many small ones become one again. Short, because only a new request finds a moved consumer. */
const WINDOW_MS = 5_000
const SHORTEST_MS = 1_000
const HEARTBEAT_MS = 2_000
const NANOSECONDS = 1_000_000
/** The broker is silent for longer than its heartbeats allow: it has lost the requests. */
const SILENCE_MS = 2 * HEARTBEAT_MS + 500
const PAUSE_MS = 250
const MISSING_PAUSE_MS = 1_000

/** Pulls messages from one consumer: raw pull requests on one inbox, as many as there is room for. */
export class Puller {
  readonly #options: PullerOptions
  readonly #inbox: string
  readonly #subscription: Subscription
  #requested = 0
  /** The broker had nothing more for the last request. */
  #isEmpty = true
  /** Answers to requests of an earlier generation are ignored. */
  #generation = 0
  #lastHeardAt = 0
  #windowEnd = 0
  #isWakeDue = false
  #isStopped = false
  #pause: Timer | undefined
  #stopping: Promise<void> | undefined

  constructor(options: PullerOptions) {
    this.#options = options
    this.#inbox = options.link.createInbox()
    options.onInbox(this.#inbox)
    this.#subscription = options.link.subscribe(`${this.#inbox}.*`, (message) => this.#take(message))
  }

  /** Messages that are requested and have not come. */
  get requested(): number {
    return this.#requested
  }

  /** Whether the broker had nothing more when it answered last. */
  get isEmpty(): boolean {
    return this.#isEmpty
  }

  /** Request more at the end of this turn, if there is room. */
  wake(): void {
    if (this.#isWakeDue || this.#isStopped || this.#pause) return
    this.#isWakeDue = true
    this.#options.clock.nextTurn(() => {
      this.#isWakeDue = false
      this.#pull()
    })
  }

  /** Drop open requests and request again: after a reconnect, or when the consumer was recreated. */
  restart(): void {
    this.#generation++
    this.#requested = 0
    this.#pause?.cancel()
    this.#pause = undefined
    this.wake()
  }

  /** To be called about every second: detects a broker that has lost the requests. */
  check(): void {
    const silentMs = this.#options.clock.monotonic() - this.#lastHeardAt
    if (this.#requested > 0 && silentMs > SILENCE_MS) this.restart()
    else this.wake()
  }

  /**
   * Request nothing more, and cancel open requests: the broker drops requests without a subscription. So work that is released from
   * now on goes to another instance. Resolves when messages in flight have been passed on.
   */
  stop(): Promise<void> {
    this.#isStopped = true
    this.#pause?.cancel()
    this.#stopping ??= this.#options.link.drain(this.#subscription)
    return this.#stopping
  }

  /** Accept nothing more. */
  close(): void {
    this.#isStopped = true
    this.#pause?.cancel()
    if (!this.#subscription.isClosed()) this.#subscription.unsubscribe()
  }

  #pull(): void {
    if (this.#isStopped || this.#pause || !this.#options.link.isUp) return
    this.request({ batch: this.#options.demand(this.#requested), waits: true })
  }

  /** @param waits whether the broker keeps the request until there are messages; else it answers at once with those that there are */
  request({ batch, waits }: { batch: number; waits: boolean }): void {
    const { link, clock, stream, consumer } = this.#options
    if (batch <= 0 || this.#isStopped || this.#pause || !link.isUp) return
    const now = clock.monotonic()
    if (this.#windowEnd - now < SHORTEST_MS) this.#windowEnd = now + WINDOW_MS
    // The broker takes whole nanoseconds; a monotonic clock has fractions of milliseconds.
    const expiresMs = Math.floor(Math.min(this.#windowEnd - now, WINDOW_MS))
    const heartbeatMs = Math.min(HEARTBEAT_MS, Math.floor(expiresMs / 2))
    const limits = waits ? `"expires":${expiresMs * NANOSECONDS},"idle_heartbeat":${heartbeatMs * NANOSECONDS}` : '"no_wait":true'
    const request = `{"batch":${batch},${limits}}`
    if (this.#requested === 0) this.#lastHeardAt = now
    this.#requested += batch
    link.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, request, { reply: `${this.#inbox}.${this.#generation}` })
  }

  #take(message: Msg): void {
    this.#lastHeardAt = this.#options.clock.monotonic()
    if (message.subject.startsWith(this.#inbox)) this.#takeStatus(message)
    else {
      if (this.#requested > 0) this.#requested--
      this.#isEmpty = false
      this.#options.onWork(message)
    }
  }

  #takeStatus(message: Msg): void {
    const code = message.headers?.code ?? 0
    const isCurrent = message.subject === `${this.#inbox}.${this.#generation}`
    if (code === HEARTBEAT || !isCurrent) return
    if (code === EXPIRED || code === NO_MESSAGES) {
      this.#isEmpty = true
      const unused = Number(message.headers?.get('Nats-Pending-Messages') || 0)
      this.#requested = unused > 0 ? Math.max(0, this.#requested - unused) : 0
      this.wake()
    } else this.#refused(code, message.headers?.description ?? '')
  }

  #refused(code: number, description: string): void {
    if (code === CONFLICT && /batch completed/i.test(description)) {
      this.wake()
      return
    }
    const isMissing = code === NO_RESPONDERS || /deleted|not found/i.test(description)
    this.#retryLater(isMissing ? MISSING_PAUSE_MS : PAUSE_MS)
    const { consumer, onWarning, onMissing } = this.#options
    if (isMissing) onMissing()
    // A stopping server sends a status of its own; the lost connection is warned of already.
    else if (!/server shutdown|leadership change/i.test(description))
      onWarning({ code: 'pull-refused', message: `The broker refused a request to ${consumer}: ${code} ${description}` })
  }

  #retryLater(pauseMs: number): void {
    this.#generation++
    this.#requested = 0
    this.#pause?.cancel()
    if (this.#isStopped) return
    this.#pause = this.#options.clock.after(jitter(pauseMs), () => {
      this.#pause = undefined
      this.wake()
    })
  }
}

const HEARTBEAT = 100
const NO_MESSAGES = 404
const EXPIRED = 408
const CONFLICT = 409
const NO_RESPONDERS = 503
