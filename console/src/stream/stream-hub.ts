import type { Clock } from '../time/clock.ts'
import { Connection } from './connection.ts'
import { Leadership } from './leadership.ts'
import type { StreamMessage, StreamState } from './rules.ts'

export interface TopicListener {
  readonly message?: (message: StreamMessage) => void
  /** The snapshot of the topic is to be read again: changes may have been missed before now. */
  readonly resync?: (topic: string) => void
}

/** What tabs say to each other. */
type Said =
  | { readonly kind: 'want'; readonly tab: string; readonly topics: readonly string[] }
  | { readonly kind: 'bye'; readonly tab: string }
  | { readonly kind: 'who' }
  | { readonly kind: 'message'; readonly message: StreamMessage }
  | { readonly kind: 'resync'; readonly topics: readonly string[] }
  | { readonly kind: 'state'; readonly state: StreamState }

export interface StreamHubOptions {
  readonly namespace: string
  readonly tab: string
  readonly clock: Clock
  readonly chance: () => number
  /** Called in the tab that leads; it stops then, and the next one learns of it. */
  readonly onSignedOut: () => void
}

/** A tab that was killed says no goodbye: the leader asks all from time to time, and forgets who does not answer. */
const ROLL_CALL_MS = 30_000

/**
 * The changes of a namespace for this tab. All tabs of a browser share one connection, for it has six at most: one tab leads and relays.
 */
export class StreamHub {
  readonly #options: StreamHubOptions
  readonly #channel: BroadcastChannel
  readonly #listeners = new Map<string, Set<TopicListener>>()
  readonly #stateListeners = new Set<() => void>()
  /** Of the leader: what each other tab wants. */
  readonly #wants = new Map<string, { topics: readonly string[]; at: number }>()
  #isStopped = false
  #state: StreamState = 'connecting'
  #connection: Connection | undefined
  readonly #leadership: Leadership
  #cancelRollCall: () => void = () => undefined

  constructor(options: StreamHubOptions) {
    this.#options = options
    this.#channel = new BroadcastChannel(`carillon-stream-${options.namespace}`)
    this.#channel.onmessage = ({ data }: MessageEvent<Said>) => this.#hear(data)
    const { namespace, tab, clock, chance } = options
    this.#leadership = new Leadership({
      name: `carillon-stream-${namespace}`,
      ...{ tab, clock, chance },
      onLead: () => this.#lead(),
      onYield: () => this.#yield(),
    })
  }

  start(): void {
    this.#leadership.start()
    // A tab that leads already learns now what this one follows.
    this.#ask()
  }

  stop(): void {
    this.#say({ kind: 'bye', tab: this.#options.tab })
    this.#follow()
    this.#leadership.stop()
    this.#isStopped = true
    this.#channel.close()
  }

  get state(): StreamState {
    return this.#state
  }

  onState(listener: () => void): () => void {
    this.#stateListeners.add(listener)
    return () => this.#stateListeners.delete(listener)
  }

  /** Follows topics until the answer is called. */
  subscribe(topics: readonly string[], listener: TopicListener): () => void {
    const fresh = topics.filter((topic) => !this.#listeners.has(topic))
    for (const topic of topics) this.#listeners.set(topic, (this.#listeners.get(topic) ?? new Set()).add(listener))
    if (fresh.length > 0) this.#ask()
    return () => {
      for (const topic of topics) {
        const left = this.#listeners.get(topic)
        left?.delete(listener)
        if (left?.size === 0) this.#listeners.delete(topic)
      }
      this.#ask()
    }
  }

  /** The network is back, or the page is seen again. */
  wake(): void {
    this.#connection?.wake()
  }

  /** The browser had frozen the tab: what came meanwhile may be lost. */
  refresh(): void {
    this.#deliver({ kind: 'resync', topics: [...this.#listeners.keys()] })
  }

  #ask(): void {
    if (this.#connection !== undefined) this.#connection.want(this.#union())
    else this.#say({ kind: 'want', tab: this.#options.tab, topics: [...this.#listeners.keys()] })
  }

  #lead(): void {
    const { namespace, clock, chance } = this.#options
    this.#connection = new Connection({
      ...{ namespace, clock, chance },
      listener: {
        message: (message) => this.#share({ kind: 'message', message }),
        resync: (topics) => this.#share({ kind: 'resync', topics }),
        state: (state) => this.#share({ kind: 'state', state }),
        signedOut: this.#options.onSignedOut,
      },
    })
    this.#connection.want(this.#union())
    this.#connection.start()
    this.#callRoll()
  }

  /** Another tab leads, and is to know what this one follows. */
  #yield(): void {
    this.#follow()
    this.#ask()
  }

  #follow(): void {
    this.#connection?.stop()
    this.#connection = undefined
    this.#wants.clear()
    this.#cancelRollCall()
  }

  #callRoll(): void {
    const { clock } = this.#options
    const before = clock.now() - 2 * ROLL_CALL_MS
    for (const [tab, { at }] of this.#wants) if (at < before) this.#wants.delete(tab)
    this.#connection?.want(this.#union())
    this.#say({ kind: 'who' })
    this.#cancelRollCall = clock.after(ROLL_CALL_MS, () => this.#callRoll())
  }

  #union(): ReadonlySet<string> {
    return new Set([...this.#listeners.keys(), ...[...this.#wants.values()].flatMap(({ topics }) => topics)])
  }

  #hear(said: Said): void {
    if (this.#connection === undefined) {
      this.#follower(said)
      return
    }
    if (said.kind === 'bye') this.#wants.delete(said.tab)
    if (said.kind === 'want') {
      const known = this.#union()
      const before = this.#wants.get(said.tab)?.topics ?? []
      this.#wants.set(said.tab, { topics: said.topics, at: this.#options.clock.now() })
      this.#say({ kind: 'state', state: this.#state })
      // What is subscribed already may be new to that tab.
      const shared = said.topics.filter((topic) => known.has(topic) && !before.includes(topic))
      if (shared.length > 0) this.#say({ kind: 'resync', topics: shared })
    }
    if (said.kind === 'bye' || said.kind === 'want') this.#connection.want(this.#union())
  }

  #follower(said: Said): void {
    if (said.kind === 'who') this.#ask()
    else this.#deliver(said)
  }

  #share(said: Said): void {
    if (said.kind !== 'state' || said.state !== this.#state) this.#say(said)
    this.#deliver(said)
  }

  #deliver(said: Said): void {
    if (said.kind === 'state' && said.state !== this.#state) {
      this.#state = said.state
      for (const listener of this.#stateListeners) listener()
    }
    if (said.kind === 'message') for (const { message } of this.#listeners.get(said.message.topic) ?? []) message?.(said.message)
    if (said.kind === 'resync') for (const topic of said.topics) for (const { resync } of this.#listeners.get(topic) ?? []) resync?.(topic)
  }

  #say(said: Said): void {
    // React ends a component before those in it: they unsubscribe when the hub has stopped, and a closed channel throws.
    if (!this.#isStopped) this.#channel.postMessage(said)
  }
}
