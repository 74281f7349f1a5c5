import { cordonedKey, cordonKey } from '@carillon/contracts'
import type { ObservedStream } from '@carillon/runtime'
import type { RegistryParts } from '../parts.ts'

/** Looked up in each round: among so many instances a single missing entry is found within seconds, among thousands within minutes. */
const CHECKED_IN_TURN = 20
/** Requests under way at once, when all entries are looked up. */
const AT_ONCE = 100

/**
 * Writes entries of known instances, and their cordons, again that were purged from the bucket's stream. A purge leaves no delete marker, so no watcher sees it. A
 * coordinator that starts its watch later would find no instance and regard live ones as lost, and a registry could not declare one lost: that is
 * a conditional delete of an entry.
 */
export class RestoreEntries {
  readonly #parts: Pick<RegistryParts, 'bucket' | 'roster' | 'cordons' | 'time' | 'log'>
  #before: ObservedStream | undefined
  #turn: string[] = []

  constructor(parts: Pick<RegistryParts, 'bucket' | 'roster' | 'cordons' | 'time' | 'log'>) {
    this.#parts = parts
  }

  /** @param observed of the bucket's stream. After it was recreated or went back, the watch is started again, and the entries that it holds count. */
  async execute(observed: ObservedStream): Promise<void> {
    const before = this.#before
    this.#before = observed
    if (before?.createdAt !== observed.createdAt || observed.lastSequence < before.lastSequence) {
      // Live instances register again; of cordons nobody else knows.
      if (before) await Promise.all(this.#parts.cordons.list().map(([key, cordon]) => this.#parts.bucket.cordon(key, cordon)))
      return
    }
    const keys = await this.#keysToCheck()
    let restored = 0
    for (let i = 0; i < keys.length; i += AT_ONCE) {
      const outcomes = await Promise.all(keys.slice(i, i + AT_ONCE).map((key) => this.#restore(key)))
      restored += outcomes.filter(Boolean).length
    }
    if (restored > 0)
      this.#parts.log.warn({ evt: 'presence.restored', restored }, 'entries were deleted from the presence bucket and are there again')
  }

  /** All of them when the bucket has fewer entries than there are instances; otherwise a few in turn. */
  async #keysToCheck(): Promise<readonly string[]> {
    const { bucket, roster, cordons } = this.#parts
    const keys = [...roster.keys(), ...cordons.list().map(([key]) => cordonKey(key))]
    if ((await bucket.count()) < keys.length) return keys
    if (this.#turn.length === 0) this.#turn = keys
    return this.#turn.splice(0, CHECKED_IN_TURN)
  }

  /** Answers whether the entry was missing. A removed one is not: it has a marker, or the instance is not known any more. */
  async #restore(key: string): Promise<boolean> {
    const { bucket, roster, cordons, time } = this.#parts
    if (await bucket.holds(key)) return false
    const cordoned = cordonedKey(key)
    if (cordoned !== undefined) {
      const cordon = cordons.get(cordoned)
      if (cordon) await bucket.cordon(cordoned, cordon)
      return cordon !== undefined
    }
    const seen = roster.get(key)
    const entry = seen && (await bucket.replace(key, seen.presence, 0))
    if (entry) roster.follow(key, entry, time.elapsedMs)
    return entry !== undefined
  }
}
