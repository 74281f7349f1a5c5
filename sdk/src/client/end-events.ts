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
/** A run may end before its caller begins to wait: so many of those that were announced last are known. */
const KNOWN_ENDS = 5_000
/** With so many ends the older ones count half as much from then on. */
const HALVED_AT = 8_000
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
  readonly #onMoved: (runIds: readonly string[]) => void
  /** By the run; none where the subscription to all serves it. */
  readonly #runs = new Map<string, readonly Subscribed[]>()
  #all: Subscribed | undefined
  /** Runs that nobody waits for whose ends were announced. */
  readonly #known = new Set<string>()
  #second = { from: 0, begun: 0 }
  #ends = { own: 0, others: 0 }
  #notBefore = 0

  /** @param options `onClosed`: the connection was closed while they were awaited. `onMoved`: ends that came meanwhile may have been missed */
  constructor(
    link: ClientLink,
    options: {
      namespace: string
      clock: LoopClock
      onEnd: (event: RunEndedEvent) => void
      onClosed: (runIds: readonly string[]) => void
      onMoved: (runIds: readonly string[]) => void
    },
  ) {
    this.#link = link
    this.#namespace = options.namespace
    this.#clock = options.clock
    this.#onEnd = options.onEnd
    this.#onClosed = options.onClosed
    this.#onMoved = options.onMoved
  }

  /** Once for each run. What is asked over the same connection afterwards is answered when the broker knows of it. @returns whether an end of it has been announced */
  add(runId: string): boolean {
    this.#countBegun()
    this.#runs.set(runId, this.#all ? [] : this.#subscribeTo(runId))
    return this.#known.has(runId)
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
    all.closed.then((refusal) => {
      if (this.#all !== all) return
      // The login may hear of single runs only, perhaps.
      if (refusal) this.#hearEach()
      else this.#onClosed([...this.#runs.keys()])
    })
  }

  #endAll(): void {
    const all = this.#all
    this.#all = undefined
    this.#known.clear()
    if (all) end(all)
  }

  #subscribeTo(runId: string): readonly Subscribed[] {
    const subscriptions = ENDED_STATES.map((state) => this.#subscribe(runId, state))
    subscriptions[0]?.closed.then(() => {
      if (this.#runs.get(runId) === subscriptions) this.#onClosed([runId])
    })
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
      this.#know(runId)
      this.#ends.others++
    }
    const { own, others } = this.#ends
    if (own + others >= HALVED_AT) this.#ends = { own: own / 2, others: others / 2 }
    if (this.#all && others > OTHERS_AT_FIRST + OTHERS_FOR_EACH * own) this.#hearEach()
  }

  #know(runId: string): void {
    this.#known.add(runId)
    for (const oldest of this.#known) {
      if (this.#known.size <= KNOWN_ENDS) break
      this.#known.delete(oldest)
    }
  }

  /** What the broker has sent for the subscription to all is not heard any more. */
  #hearEach(): void {
    this.#notBefore = this.#clock.monotonic() + TRY_AGAIN_AFTER_MS
    const moved = [...this.#runs].filter(([, { length }]) => length === 0).map(([runId]) => runId)
    for (const runId of moved) this.#runs.set(runId, this.#subscribeTo(runId))
    this.#endAll()
    this.#onMoved(moved)
  }
}

function end(subscription: Subscribed): void {
  if (!subscription.isClosed()) subscription.unsubscribe()
}
