import { ENDED_STATES, isEnded, type RunEndedEvent, subjects } from '@carillon/contracts'
import type { LoopClock } from '@carillon/wire/internal'
import type { Msg, Subscription } from '@nats-io/transport-node'
import type { ClientLink } from '../connection/link.ts'

type Subscribed = Pick<Subscription, 'isClosed' | 'unsubscribe' | 'closed'>

/** Waits that begin within a second, from which on one subscription to all ends of the namespace costs less than one for each subject of each run. */
const MANY_PER_S = 100
/** Ends of runs that others wait for, for each one that is waited for here: with more of them the subscription to all costs more. */
const OTHERS_FOR_EACH = 3
/** So many more are no reason yet. */
const OTHERS_AT_FIRST = 1_000
/** The newest ends of runs that are not waited for are kept: a run may end before its caller begins to wait. */
const KEPT_ENDS = 500
const KEPT_BYTES = 1_024
/** After there were too many of others, until the subscription to all is tried again. */
const TRY_AGAIN_AFTER_MS = 60_000

/**
 * The ends of some runs of a namespace, as the broker announces them. Each run has a subscription for each state in which it may end: a wildcard in its
 * place would cost nats-server 50 µs when it begins and when it ends, for it compares it with all subjects that it has cached. A client that waits
 * for many runs has one subscription to the ends of all runs instead, as long as those of others are not many more.
 */
export class EndEvents {
  readonly #link: ClientLink
  readonly #namespace: string
  readonly #clock: LoopClock
  readonly #onEnd: (event: RunEndedEvent) => void
  readonly #onClosed: (runIds: readonly string[]) => void
  /** By the run; none where the subscription to all serves it. */
  readonly #runs = new Map<string, readonly Subscribed[]>()
  #all: Subscribed | undefined
  readonly #kept = new Map<string, Msg>()
  #second = { from: 0, begun: 0 }
  #ends = { own: 0, others: 0 }
  #notBefore = 0

  /** @param options `onClosed`: the connection was closed while they were awaited */
  constructor(
    link: ClientLink,
    options: {
      namespace: string
      clock: LoopClock
      onEnd: (event: RunEndedEvent) => void
      onClosed: (runIds: readonly string[]) => void
    },
  ) {
    this.#link = link
    this.#namespace = options.namespace
    this.#clock = options.clock
    this.#onEnd = options.onEnd
    this.#onClosed = options.onClosed
  }

  /** Once for each run. What is asked over the same connection afterwards is answered when the broker knows of it. @returns its end, if it has been heard */
  add(runId: string): RunEndedEvent | undefined {
    this.#countBegun()
    this.#runs.set(runId, this.#all ? [] : this.#subscribeTo(runId))
    const kept = this.#kept.get(runId)?.json<RunEndedEvent>()
    return kept && isEnded(kept.state) ? kept : undefined
  }

  remove(runId: string): void {
    for (const subscription of this.#runs.get(runId) ?? []) end(subscription)
    this.#runs.delete(runId)
    if (this.#runs.size === 0) this.#endAll()
  }

  #countBegun(): void {
    const now = this.#clock.monotonic()
    if (now - this.#second.from >= 1_000) this.#second = { from: now, begun: 0 }
    if (++this.#second.begun >= MANY_PER_S && !this.#all && now >= this.#notBefore) this.#beginAll()
  }

  /** Runs that have subscriptions keep them until they have ended. */
  #beginAll(): void {
    this.#ends = { own: 0, others: 0 }
    const all = this.#subscribe('*', '*')
    this.#all = all
    const closed = () => {
      if (this.#all === all) this.#onClosed([...this.#runs.keys()])
    }
    all.closed.then(closed, closed)
  }

  #endAll(): void {
    const all = this.#all
    this.#all = undefined
    this.#kept.clear()
    if (all) end(all)
  }

  #subscribeTo(runId: string): readonly Subscribed[] {
    const subscriptions = ENDED_STATES.map((state) => this.#subscribe(runId, state))
    const closed = () => {
      if (this.#runs.get(runId) === subscriptions) this.#onClosed([runId])
    }
    subscriptions[0]?.closed.then(closed, closed)
    return subscriptions
  }

  #subscribe(runId: string, state: string): Subscribed {
    return this.#link.subscribe(subjects.event(this.#namespace, 'run', runId, state), (message) => this.#hear(message))
  }

  #hear(message: Msg): void {
    const runId = message.subject.split('.').at(-2) as string
    if (this.#runs.has(runId)) {
      this.#ends.own++
      const event = message.json<RunEndedEvent>()
      if (isEnded(event.state)) this.#onEnd(event)
    } else if (this.#all) {
      this.#keep(runId, message)
      if (++this.#ends.others > OTHERS_AT_FIRST + OTHERS_FOR_EACH * this.#ends.own) this.#hearEach()
    }
  }

  #keep(runId: string, message: Msg): void {
    if (message.data.length <= KEPT_BYTES) this.#kept.set(runId, message)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT_ENDS) break
      this.#kept.delete(oldest)
    }
  }

  #hearEach(): void {
    this.#notBefore = this.#clock.monotonic() + TRY_AGAIN_AFTER_MS
    for (const [runId, { length }] of this.#runs) if (length === 0) this.#runs.set(runId, this.#subscribeTo(runId))
    this.#endAll()
  }
}

function end(subscription: Subscribed): void {
  if (!subscription.isClosed()) subscription.unsubscribe()
}
