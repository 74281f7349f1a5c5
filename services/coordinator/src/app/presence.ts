import { type HandlerKind, PRESENCE_BUCKET, type Presence, presenceSchema, TIMES } from '@carillon/contracts'
import type { Broker, Clock, Logger } from '@carillon/runtime'
import { LoopService, pause } from '@carillon/runtime'
import { type KvEntry, Kvm } from '@nats-io/kv'

/** Someone who is absent is taken for lost only after the view has been complete for so long: registries refill a wiped bucket meanwhile. */
const TRUST_AFTER_MS = TIMES.lostAfterMs + 2 * TIMES.beatMs
const RETRY_MS = 500

/** Who is alive and what they offer, followed from the registry's bucket and answered from memory. */
export class PresenceWatch extends LoopService {
  readonly #broker: Broker
  readonly #clock: Clock
  readonly #log: Logger
  readonly #instances = new Map<string, Presence>()
  /** What handlers announce of their runs, also those whose last instance is gone. */
  readonly #kinds = new Map<string, HandlerKind>()
  readonly #offers = new Map<string, Map<string, Presence>>()
  #completeSince: number | undefined
  #restart: AbortController | undefined
  /** Called when an instance leaves presence, for whatever reason. */
  onGone: (namespace: string, instance: string) => void = () => undefined
  onJoined: (presence: Presence) => void = () => undefined

  constructor(options: { broker: Broker; clock: Clock; log: Logger }) {
    super()
    this.#broker = options.broker
    this.#clock = options.clock
    this.#log = options.log
    options.broker.onReconnect(async () => this.#restart?.abort())
  }

  /** Live instances that offer a handler, by id. */
  offering(namespace: string, handler: string): Presence[] {
    return [...(this.#offers.get(`${namespace}.${handler}`)?.values() ?? [])].sort((a, b) => (a.instance < b.instance ? -1 : 1))
  }

  /** How the runs of a handler come about, as the instance said that came last. */
  kindOf(namespace: string, handler: string): HandlerKind | undefined {
    return this.#kinds.get(`${namespace}.${handler}`)
  }

  offers(namespace: string, handler: string): boolean {
    return (this.#offers.get(`${namespace}.${handler}`)?.size ?? 0) > 0
  }

  /** Names of every handler that is offered in a namespace. */
  handlers(namespace: string): string[] {
    const prefix = `${namespace}.`
    return [...this.#offers]
      .filter(([key, by]) => key.startsWith(prefix) && by.size > 0)
      .map(([key]) => key.slice(prefix.length))
      .sort()
  }

  /** Whether an instance is there; anyone may be while the view is not complete. */
  isPresent(namespace: string, instance: string): boolean {
    return this.#completeSince === undefined || this.#instances.has(`${namespace}.${instance}`)
  }

  isLost(namespace: string, instance: string): boolean {
    if (this.#instances.has(`${namespace}.${instance}`)) return false
    return this.#completeSince !== undefined && this.#clock.now() - this.#completeSince > TRUST_AFTER_MS
  }

  protected async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const restart = new AbortController()
      this.#restart = restart
      try {
        await this.#follow(AbortSignal.any([signal, restart.signal]))
      } catch (error) {
        if (signal.aborted || this.#broker.connection.isClosed()) return
        this.#log.info({ evt: 'presence.failed', err: error }, 'cannot follow presence yet; trying again')
        await pause(this.#clock, RETRY_MS, signal)
      }
    }
  }

  protected onFailure(error: unknown): void {
    this.#log.fatal({ evt: 'presence.died', err: error }, 'the presence watch died')
  }

  async #follow(signal: AbortSignal): Promise<void> {
    this.#completeSince = undefined
    // Opened, never made: the registry makes it, and it alone writes there.
    const bucket = await new Kvm(this.#broker.connection).open(PRESENCE_BUCKET)
    const { values } = await bucket.status()
    const seen = new Set<string>()
    const watch = await bucket.watch({ key: '>' })
    const stop = () => watch.stop()
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    if (values === 0) this.#complete(seen)
    for await (const entry of watch) {
      seen.add(entry.key)
      this.#take(entry)
      if (entry.delta === 0) this.#complete(seen)
    }
    signal.removeEventListener('abort', stop)
  }

  /** The first pass is over: whoever was known before and is not there any more has gone. */
  #complete(seen: ReadonlySet<string>): void {
    this.#completeSince ??= this.#clock.now()
    for (const key of [...this.#instances.keys()]) if (!seen.has(key)) this.#forget(key)
  }

  #take(entry: KvEntry): void {
    if (entry.operation !== 'PUT') {
      this.#forget(entry.key)
      return
    }
    const parsed = presenceSchema.safeParse(jsonOf(entry.string()))
    if (!parsed.success) {
      this.#log.warn({ evt: 'presence.unreadable', key: entry.key }, 'an entry of presence cannot be read')
      return
    }
    this.#leaveOffers(entry.key)
    this.#instances.set(entry.key, parsed.data)
    for (const handler of parsed.data.handlers) {
      const key = `${parsed.data.namespace}.${handler.name}`
      const by = this.#offers.get(key) ?? new Map<string, Presence>()
      this.#offers.set(key, by.set(parsed.data.instance, parsed.data))
      if (handler.kind) this.#kinds.set(key, handler.kind)
      else this.#kinds.delete(key)
    }
    this.onJoined(parsed.data)
  }

  #forget(key: string): void {
    const presence = this.#instances.get(key)
    this.#leaveOffers(key)
    if (this.#instances.delete(key) && presence) this.onGone(presence.namespace, presence.instance)
  }

  #leaveOffers(key: string): void {
    const presence = this.#instances.get(key)
    for (const handler of presence?.handlers ?? [])
      this.#offers.get(`${presence?.namespace}.${handler.name}`)?.delete(presence?.instance ?? '')
  }
}

/** Undefined for what is not JSON: presence of no one. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
