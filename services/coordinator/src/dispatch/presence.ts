import {
  cordonedKey,
  cordonKey,
  type HandlerKind,
  type Presence as InstancePresence,
  PRESENCE_BUCKET,
  presenceSchema,
  TIMES,
} from '@carillon/contracts'
import type { Broker, Clock, Logger } from '@carillon/runtime'
import { LoopService, pause } from '@carillon/runtime'
import { type KvEntry, Kvm } from '@nats-io/kv'
import type { Presence } from '../ports.ts'
import type { ServiceVersion } from '../stats/rules/marks.ts'

/** An absent instance is regarded as lost only after the view has been complete for so long: registries need the time to refill a wiped bucket. */
const TRUST_AFTER_MS = TIMES.lostAfterMs + 2 * TIMES.beatMs
const RETRY_MS = 500
const AWAKE_EVERY_MS = 500
/** Longer than a busy process takes for a turn of its event loop. */
const GAP_MS = 3_000

/** The live instances and the handlers that they offer, in memory: a watch of the registry's bucket. */
export class PresenceWatch extends LoopService implements Presence {
  readonly #broker: Broker
  readonly #clock: Clock
  readonly #log: Logger
  readonly #instances = new Map<string, InstancePresence>()
  /** The mode that handlers announce for their runs, also those whose last instance is gone. */
  readonly #kinds = new Map<string, HandlerKind>()
  /** Keys of presence of cordoned instances, live or not. */
  readonly #cordoned = new Set<string>()
  readonly #offers = new Map<string, Map<string, InstancePresence>>()
  /** Answers of `offering`, until something changes: new runs ask for them again and again. */
  readonly #offering = new Map<string, readonly InstancePresence[]>()
  #completeSince: number | undefined
  #awakeAt = 0
  #gapEndedAt = Number.NEGATIVE_INFINITY
  #restart: AbortController | undefined
  readonly #onGone: (namespace: string, instance: string) => void
  readonly #onChanged: (namespace: string) => void

  /**
   * @param options.onGone called when an instance leaves presence, for any reason
   * @param options.onChanged called when instances of a namespace have come, left, changed, or were cordoned or uncordoned
   */
  constructor(options: {
    broker: Broker
    clock: Clock
    log: Logger
    onGone: (namespace: string, instance: string) => void
    onChanged: (namespace: string) => void
  }) {
    super()
    this.#onChanged = options.onChanged
    this.#onGone = options.onGone
    this.#broker = options.broker
    this.#clock = options.clock
    this.#log = options.log
    options.broker.onReconnect(async () => this.restart())
  }

  /** Reads the bucket again: it may be another one. */
  restart(): void {
    this.#restart?.abort()
  }

  /** Instances that may be given tasks of a handler, by id: all that offer it but the hung and the cordoned ones. */
  offering(namespace: string, handler: string): readonly InstancePresence[] {
    const key = `${namespace}.${handler}`
    let offering = this.#offering.get(key)
    if (offering === undefined) {
      offering = this.holding(namespace, handler).filter((presence) => this.#takesWork(presence))
      this.#offering.set(key, offering)
    }
    return offering
  }

  /** Live instances that may hold tasks of a handler, by id: all that offer it. */
  holding(namespace: string, handler: string): InstancePresence[] {
    return [...(this.#offers.get(`${namespace}.${handler}`)?.values() ?? [])].sort((a, b) => (a.instance < b.instance ? -1 : 1))
  }

  /** The mode of a handler's runs, as the newest instance announced it. */
  kindOf(namespace: string, handler: string): HandlerKind | undefined {
    return this.#kinds.get(`${namespace}.${handler}`)
  }

  /** Whether some instance may be given tasks of a handler. */
  offers(namespace: string, handler: string): boolean {
    for (const presence of this.#offers.get(`${namespace}.${handler}`)?.values() ?? []) if (this.#takesWork(presence)) return true
    return false
  }

  /** Alive, but every slot is held by a stuck handler, or nothing comes of its tasks: nothing is routed to it. */
  isHung(namespace: string, instance: string): boolean {
    return this.#instances.get(`${namespace}.${instance}`)?.hung === true
  }

  /** How long nothing had come of its tasks when the registry declared it hung for that; undefined: it did not. */
  hungIdleMs(namespace: string, instance: string): number | undefined {
    return this.#instances.get(`${namespace}.${instance}`)?.hungIdleMs
  }

  /** An operator wants nothing to be routed to it; it keeps what it runs. */
  isCordoned(namespace: string, instance: string): boolean {
    return this.#cordoned.has(`${namespace}.${instance}`)
  }

  #takesWork({ namespace, instance, hung }: InstancePresence): boolean {
    return !hung && !this.isCordoned(namespace, instance)
  }

  /** Names of every handler that is offered in a namespace. */
  handlers(namespace: string): string[] {
    const prefix = `${namespace}.`
    return [...this.#offers]
      .filter(([key, by]) => key.startsWith(prefix) && by.size > 0)
      .map(([key]) => key.slice(prefix.length))
      .sort()
  }

  /** Namespaces with live instances. */
  namespaces(): string[] {
    return [...new Set([...this.#instances.values()].map(({ namespace }) => namespace))]
  }

  /** Live instances of a namespace. */
  count(namespace: string): number {
    return [...this.#instances.values()].filter((presence) => presence.namespace === namespace).length
  }

  /** The services of live instances in a namespace, and the handlers that each offers. */
  services(namespace: string): Map<string, Set<string>> {
    const services = new Map<string, Set<string>>()
    for (const presence of this.#instances.values()) {
      if (presence.namespace !== namespace) continue
      const handlers = services.get(presence.service) ?? new Set()
      services.set(presence.service, handlers)
      for (const { name } of presence.handlers) handlers.add(name)
    }
    return services
  }

  /** The versions of the services of live instances in a namespace. */
  versions(namespace: string): ServiceVersion[] {
    const versions = new Map<string, ServiceVersion & { readonly handlers: string[] }>()
    for (const presence of this.#instances.values()) {
      if (presence.namespace !== namespace) continue
      const { service, version } = presence
      const since = Date.parse(presence.since)
      const known = versions.get(`${service} ${version}`)
      const handlers = [...new Set([...(known?.handlers ?? []), ...presence.handlers.map(({ name }) => name)])]
      versions.set(`${service} ${version}`, { service, version, since: Math.min(since, known?.since ?? since), handlers })
    }
    return [...versions.values()]
  }

  /**
   * Whether an instance is present; any may be while the view is not complete.
   * @param session of the process that is meant; without it, any of that name
   */
  isPresent(namespace: string, instance: string, session: string | null = null): boolean {
    const presence = this.#instances.get(`${namespace}.${instance}`)
    return presence ? !isOther(presence.session, session) : this.#completeSince === undefined
  }

  /** Whether the process that has registered with this session is present. */
  holds(namespace: string, instance: string, session: string | null): boolean {
    return session !== null && this.#instances.get(`${namespace}.${instance}`)?.session === session
  }

  /** The session of the process that has this name. */
  sessionOf(namespace: string, instance: string): string | undefined {
    return this.#instances.get(`${namespace}.${instance}`)?.session
  }

  isLost(namespace: string, instance: string, session: string | null = null): boolean {
    this.#noteGap()
    const presence = this.#instances.get(`${namespace}.${instance}`)
    // The registry does not give the name of a live process to another.
    if (presence) return isOther(presence.session, session)
    return this.#completeSince !== undefined && this.#clock.monotonic() - this.#completeSince > TRUST_AFTER_MS
  }

  /**
   * This process was suspended until less than 10 s ago (SIGSTOP, a machine that slept), and instances may have been as well. Those that live report within
   * that time what they began before it; the others are declared lost.
   */
  get stoodStill(): boolean {
    this.#noteGap()
    return this.#clock.monotonic() - this.#gapEndedAt < TIMES.lostAfterMs
  }

  protected async run(signal: AbortSignal): Promise<void> {
    const watching = this.#watchForGaps(signal)
    await this.#followForever(signal)
    await watching
  }

  /** This process may be suspended, with its machine or alone: heartbeats that it missed in that time are no silence of instances. */
  async #watchForGaps(signal: AbortSignal): Promise<void> {
    this.#awakeAt = this.#clock.monotonic()
    while (await pause(this.#clock, AWAKE_EVERY_MS, signal)) this.#noteGap()
  }

  /** After a gap the view is trusted no sooner than after a start: updates wait in the connection, and other processes may have been suspended, too. */
  #noteGap(): void {
    const now = this.#clock.monotonic()
    const gapMs = now - this.#awakeAt
    this.#awakeAt = now
    if (gapMs < GAP_MS) return
    this.#gapEndedAt = now
    if (this.#completeSince === undefined) return
    this.#completeSince = now
    this.#log.info(
      { evt: 'presence.gap', gapMs: Math.round(gapMs) },
      'this process was suspended; no instance is regarded as lost for a while',
    )
  }

  async #followForever(signal: AbortSignal): Promise<void> {
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
    // Opened, never created: the registry creates it, and it alone writes there.
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

  /** The first pass is over: an instance that was known before and is not present any more has left. */
  #complete(seen: ReadonlySet<string>): void {
    this.#completeSince ??= this.#clock.monotonic()
    for (const key of [...this.#instances.keys()]) if (!seen.has(key)) this.#forget(key)
    for (const key of this.#cordoned) if (!seen.has(cordonKey(key))) this.#cordoned.delete(key)
    this.#offering.clear()
  }

  #take(entry: KvEntry): void {
    const cordoned = cordonedKey(entry.key)
    if (cordoned !== undefined) {
      if (entry.operation === 'PUT') this.#cordoned.add(cordoned)
      else this.#cordoned.delete(cordoned)
      this.#offering.clear()
      this.#onChanged(cordoned.split('.')[0] as string)
      return
    }
    if (entry.operation !== 'PUT') {
      this.#forget(entry.key)
      return
    }
    const parsed = presenceSchema.safeParse(jsonOf(entry.string()))
    if (!parsed.success) {
      this.#log.warn({ evt: 'presence.unreadable', key: entry.key }, 'an entry of presence cannot be read')
      return
    }
    const before = this.#instances.get(entry.key)
    this.#leaveOffers(entry.key)
    this.#instances.set(entry.key, parsed.data)
    for (const handler of parsed.data.handlers) {
      const key = `${parsed.data.namespace}.${handler.name}`
      const by = this.#offers.get(key) ?? new Map<string, InstancePresence>()
      this.#offers.set(key, by.set(parsed.data.instance, parsed.data))
      if (handler.kind) this.#kinds.set(key, handler.kind)
      else this.#kinds.delete(key)
    }
    this.#offering.clear()
    // Another process has taken over the name: what the former one was running is lost.
    if (before && isOther(before.session, parsed.data.session ?? null)) this.#onGone(before.namespace, before.instance)
    this.#onChanged(parsed.data.namespace)
  }

  #forget(key: string): void {
    const presence = this.#instances.get(key)
    this.#leaveOffers(key)
    this.#offering.clear()
    if (this.#instances.delete(key) && presence) this.#onGone(presence.namespace, presence.instance)
  }

  #leaveOffers(key: string): void {
    const presence = this.#instances.get(key)
    for (const handler of presence?.handlers ?? [])
      this.#offers.get(`${presence?.namespace}.${handler.name}`)?.delete(presence?.instance ?? '')
  }
}

/** Whether two sessions are known to be those of two processes. */
function isOther(session: string | undefined, other: string | null): boolean {
  return session !== undefined && other !== null && session !== other
}

/** Undefined for what is not JSON: no instance. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
