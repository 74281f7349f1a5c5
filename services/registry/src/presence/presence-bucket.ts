import {
  CarillonError,
  type Cordon,
  cordonedKey,
  cordonKey,
  cordonSchema,
  PRESENCE_BUCKET,
  PRESENCE_STREAM,
  type Presence,
  presenceSchema,
} from '@carillon/contracts'
import {
  apiErrorCode,
  type Broker,
  type ObservedStream,
  observedOf,
  orMissing,
  reserveCapacity,
  type StreamCapacity,
  withoutAdditions,
} from '@carillon/runtime'
import { type KV, type KvEntry, Kvm, KvWatchInclude } from '@nats-io/kv'
import type { Entry } from './rules/seen.ts'

/** The server's error when another writer changed the key in between; the second one when the subject has no message. */
const WRONG_REVISION: readonly (number | undefined)[] = [10071, 10164]
/** How long a delete marker is kept: longer than a watcher may be away without reading everything again. Without it, markers would accumulate. */
const MARKER_TTL_MS = 3_600_000
const NANOS_PER_MS = 1_000_000
/** Room for 10,000 instances with a few schemas each; less where the broker has little. */
const MAX_BYTES = 64 * 1024 * 1024
/** Writers of one key at the same moment are an instance that registers twice; they settle at once. */
const TRIES = 5

/**
 * An entry is confirmed, can be read by its key and replaced, and stays until it is removed; a removal stays readable; nothing but the size of the
 * bucket limits it.
 */
const BINDING = {
  subjects: [`$KV.${PRESENCE_BUCKET}.>`],
  discard: 'new',
  discard_new_per_subject: false,
  no_ack: false,
  allow_direct: true,
  allow_rollup_hdrs: true,
  allow_msg_ttl: true,
  subject_delete_marker_ttl: MARKER_TTL_MS * NANOS_PER_MS,
  max_age: 0,
  max_msgs: -1,
  max_msgs_per_subject: 1,
  max_msg_size: -1,
} as const

/** Defaults of a bucket's settings. */
const UNMENTIONED: Record<string, unknown> = { discard_new_per_subject: false, no_ack: false }

type StreamConfig = Awaited<ReturnType<Broker['manager']['streams']['info']>>['config']

/** An update of the bucket; without `entry` the key was removed. */
export interface PresenceUpdate {
  readonly key: string
  readonly revision: number
  readonly entry: Entry | undefined
}

export interface CordonEntry {
  readonly cordon: Cordon
  readonly revision: number
}

/** What the watch of the bucket calls. Cordons are given with the keys of presence of their instances. */
export interface PresenceFollower {
  all(entries: Map<string, Entry>, cordons: Map<string, CordonEntry>): void
  news(news: PresenceUpdate): void
  /** Without `cordon` it was removed. */
  cordon(news: { readonly key: string; readonly revision: number; readonly cordon: Cordon | undefined }): void
}

/** The KV bucket of live instances, and of the cordons of instances that may be gone. All failures are CarillonErrors NATS_UNAVAILABLE: none is caused by the caller. */
export class PresenceBucket {
  readonly #broker: Broker
  readonly #replicas: number
  #kv: KV | undefined

  constructor(broker: Broker, replicas: number) {
    this.#broker = broker
    this.#replicas = replicas
  }

  /**
   * Creates the bucket where it is missing. One that a reader or an earlier version has created, or that was changed, gets the right settings.
   * @throws CarillonError STORAGE_TOO_SMALL
   */
  async ensure({ part, change }: StreamCapacity): Promise<ObservedStream> {
    const { manager } = this.#broker
    const maxBytes = Math.floor(MAX_BYTES * part)
    const find = () => manager.streams.info(PRESENCE_STREAM)
    let info = this.#kv && (await orMissing(find))
    if (info === undefined) {
      this.#kv = await reserveCapacity(manager, { name: PRESENCE_STREAM, maxBytes }, () => this.#open(maxBytes))
      info = await find()
    }
    const update = {
      ...this.#differing(info.config),
      ...(change === 'grow' && info.config.max_bytes < maxBytes ? { max_bytes: maxBytes } : {}),
    }
    if (Object.keys(update).length > 0)
      info = await reserveCapacity(manager, { name: PRESENCE_STREAM, maxBytes }, () => manager.streams.update(PRESENCE_STREAM, update))
    return observedOf(info, MAX_BYTES)
  }

  /** The settings that are not as they must be. Copies are only ever added. */
  #differing(current: StreamConfig): Partial<StreamConfig> {
    const replicas = current.num_replicas < this.#replicas ? { num_replicas: this.#replicas } : {}
    const is: Record<string, unknown> = { ...UNMENTIONED, ...current }
    const others = Object.entries(BINDING).filter(([key, value]) => JSON.stringify(is[key]) !== JSON.stringify(value))
    return { ...replicas, ...withoutAdditions(current), ...Object.fromEntries(others) }
  }

  #open(max_bytes: number): Promise<KV> {
    const settings = { description: 'Live instances', history: 1, replicas: this.#replicas, max_bytes, markerTTL: MARKER_TTL_MS }
    return new Kvm(this.#broker.connection).create(PRESENCE_BUCKET, settings)
  }

  /** Whether the bucket has an entry of that key, or the marker of its removal. */
  async holds(key: string): Promise<boolean> {
    return (await this.#get(key)) !== null
  }

  async read(key: string): Promise<Entry | undefined> {
    const found = await this.#get(key)
    return found ? updateOf(found).entry : undefined
  }

  /**
   * Writes an entry unconditionally.
   * @param make receives the entry that is replaced; what it throws is rethrown, and nothing is written
   */
  async write(key: string, make: (replaced: Entry | undefined) => Promise<Presence>): Promise<Entry> {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const found = await this.#get(key)
      const replaced = found ? updateOf(found).entry : undefined
      const presence = await make(replaced)
      // What is found may also be the mark of a removal, or garbage: either is replaced like an entry.
      const previousSeq = found?.revision ?? 0
      const revision = await this.#conditionally('written', key, (kv) => kv.put(key, JSON.stringify(presence), { previousSeq }))
      if (revision !== undefined) return { presence, revision }
    }
    throw new CarillonError('CONCURRENT_CHANGE', `presence of ${key} is being changed by others`, { field: 'instance', value: key })
  }

  /** Writes an entry if it has not changed since `previousSeq`, 0: if there is none; otherwise answers undefined. */
  async replace(key: string, presence: Presence, previousSeq: number): Promise<Entry | undefined> {
    const revision = await this.#conditionally('written', key, (kv) => kv.put(key, JSON.stringify(presence), { previousSeq }))
    return revision === undefined ? undefined : { presence, revision }
  }

  /** Removes the entry if it has not changed since `revision`. */
  async remove(key: string, revision: number): Promise<'removed' | 'changed'> {
    const removed = await this.#conditionally('removed', key, async (kv) => {
      await kv.purge(key, { previousSeq: revision, ttl: `${MARKER_TTL_MS / 1_000}s` })
      return revision
    })
    return removed === undefined ? 'changed' : 'removed'
  }

  /** @param key of presence. @returns the revision */
  cordon(key: string, cordon: Cordon): Promise<number> {
    return this.#ask('written', cordonKey(key), (kv) => kv.put(cordonKey(key), JSON.stringify(cordon)))
  }

  async readCordon(key: string): Promise<CordonEntry | undefined> {
    const found = await this.#get(cordonKey(key))
    const cordon = found ? cordonOf(found) : undefined
    return found && cordon ? { cordon, revision: found.revision } : undefined
  }

  uncordon(key: string): Promise<void> {
    return this.#ask('removed', cordonKey(key), (kv) => kv.purge(cordonKey(key), { ttl: `${MARKER_TTL_MS / 1_000}s` }))
  }

  /** The entries of the bucket, then its updates, until `signal` aborts or the watch ends. */
  async follow(signal: AbortSignal, on: PresenceFollower): Promise<void> {
    const kv = this.#bucket()
    const updates = await kv.watch({ include: KvWatchInclude.UpdatesOnly })
    const stop = () => updates.stop()
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    try {
      const entries = new Map<string, Entry>()
      const cordons = new Map<string, CordonEntry>()
      for await (const found of await kv.history()) {
        const { key, entry } = updateOf(found)
        const cordoned = cordonedKey(key)
        const cordon = cordoned === undefined ? undefined : cordonOf(found)
        if (cordoned !== undefined && cordon) cordons.set(cordoned, { cordon, revision: found.revision })
        if (entry) entries.set(key, entry)
        else entries.delete(key)
      }
      on.all(entries, cordons)
      for await (const found of updates) {
        const cordoned = cordonedKey(found.key)
        if (cordoned === undefined) on.news(updateOf(found))
        else on.cordon({ key: cordoned, revision: found.revision, cordon: cordonOf(found) })
      }
    } finally {
      signal.removeEventListener('abort', stop)
      stop()
    }
  }

  /** How many keys there are, removed ones of the last hour included. */
  async count(): Promise<number> {
    return (await this.#bucket().status()).values
  }

  #bucket(): KV {
    if (!this.#kv) throw new CarillonError('NATS_UNAVAILABLE', 'the presence bucket is not open yet', { field: 'nats' })
    return this.#kv
  }

  #get(key: string): Promise<KvEntry | null> {
    return this.#ask('read', key, (kv) => kv.get(key))
  }

  /** Answers undefined when another writer was faster. */
  async #conditionally(what: string, key: string, write: (kv: KV) => Promise<number>): Promise<number | undefined> {
    return this.#ask(what, key, (kv) =>
      write(kv).catch((error: unknown) => {
        if (WRONG_REVISION.includes(apiErrorCode(error))) return undefined
        throw error
      }),
    )
  }

  async #ask<T>(what: string, key: string, ask: (kv: KV) => Promise<T>): Promise<T> {
    const kv = this.#bucket()
    try {
      return await ask(kv)
    } catch (error) {
      const message = `presence of ${key} could not be ${what}: ${(error as Error).message}`
      throw new CarillonError('NATS_UNAVAILABLE', message, { field: 'instance', value: key, cause: error })
    }
  }
}

/** One that cannot be parsed cordons all the same: an operator meant something. */
function cordonOf(found: KvEntry): Cordon | undefined {
  if (found.operation !== 'PUT') return undefined
  const cordon = cordonSchema.safeParse(jsonOf(found))
  return cordon.success ? cordon.data : { at: found.created.toISOString() }
}

function jsonOf(found: KvEntry): unknown {
  try {
    return found.json()
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** An entry that cannot be parsed (written by another program) counts as none. */
function updateOf(found: KvEntry): PresenceUpdate {
  const { key, revision } = found
  if (found.operation !== 'PUT') return { key, revision, entry: undefined }
  const presence = presenceSchema.safeParse(jsonOf(found))
  return { key, revision, entry: presence.success ? { presence: presence.data, revision } : undefined }
}
