import { LIMITS, subjects } from '@carillon/contracts'
import type { Broker, Clock } from '@carillon/runtime'
import type { AlertRuleRecord, Store } from '@carillon/store'
import { LRUCache } from 'lru-cache'

/** A change whose signal was lost is seen after this long at the latest. */
const KEEP_MS = 5_000
const KEEP_NAMESPACES = 1_000

interface Entry {
  readonly rules: readonly AlertRuleRecord[]
  /** On the monotonic clock. */
  readonly until: number
}

/** The alert rules of namespaces, with a limit of time: each failure is compared with them. Gateways signal changes to each other. */
export class KnownRules {
  readonly #store: Store
  readonly #clock: Clock
  readonly #connection: Broker['connection']
  readonly #entries = new LRUCache<string, Entry>({ max: KEEP_NAMESPACES })
  /** What is read while an entry is invalidated may be old already, and is not kept. */
  #forgotten = 0

  constructor({ store, clock, broker }: { store: Store; clock: Clock; broker: Broker }) {
    this.#store = store
    this.#clock = clock
    this.#connection = broker.connection
  }

  async of(namespace: string): Promise<readonly AlertRuleRecord[]> {
    const now = this.#clock.monotonic()
    const entry = this.#entries.get(namespace)
    if (entry && entry.until > now) return entry.rules
    const forgotten = this.#forgotten
    const { items } = await this.#store.alertRules.list({ namespace, limit: LIMITS.alertRules })
    if (forgotten === this.#forgotten) this.#entries.set(namespace, { rules: items, until: now + KEEP_MS })
    return items
  }

  forget(namespace: string): void {
    this.#forgotten++
    this.#entries.delete(namespace)
  }

  /** Rules, or a channel, of a namespace changed: every gateway is to know. */
  async changed(namespace: string, name: string, what: string): Promise<void> {
    this.forget(namespace)
    this.#connection.publish(subjects.live(namespace, 'alert', name, 'changed'), JSON.stringify({ name, what }))
    await this.#connection.flush()
  }
}
