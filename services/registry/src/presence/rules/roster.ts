import type { Beat } from '@carillon/contracts'
import { type Entry, type Seen, seenOf } from './seen.ts'

/**
 * The live instances, in memory: the entries of the presence bucket, and the last sign of life of each. The bucket is authoritative; this follows it, and
 * is ahead of it by what this registry wrote itself.
 */
export class Roster {
  readonly #seen = new Map<string, Seen>()
  /** Removed here, until the bucket's update arrives: an older entry under way must not restore it. */
  readonly #removed = new Map<string, number>()

  /** Replaces everything, and resets the silence of each instance. */
  reset(entries: ReadonlyMap<string, Entry>, elapsedMs: number): void {
    const before = new Map(this.#seen)
    this.#seen.clear()
    this.#removed.clear()
    for (const [key, entry] of entries) this.#seen.set(key, seenOf(entry, before.get(key), elapsedMs))
  }

  /** This registry wrote the entry, or read it just now. A registration is a sign of life. */
  keep(key: string, entry: Entry, elapsedMs: number): void {
    this.#removed.delete(key)
    this.#seen.set(key, seenOf(entry, this.#seen.get(key), elapsedMs))
  }

  /** This registry removed the entry that it knew as `revision`. */
  drop(key: string, revision: number): void {
    this.#removed.set(key, revision)
    this.#seen.delete(key)
  }

  /** An update of the bucket: an entry was written. */
  follow(key: string, entry: Entry, elapsedMs: number): void {
    if (entry.revision <= (this.#seen.get(key)?.revision ?? 0) || entry.revision <= (this.#removed.get(key) ?? 0)) return
    this.keep(key, entry, elapsedMs)
  }

  /** An update of the bucket: an entry was removed, as `revision`. */
  followRemoval(key: string, revision: number): void {
    if (revision > (this.#removed.get(key) ?? 0)) this.#removed.delete(key)
    if (revision > (this.#seen.get(key)?.revision ?? 0)) this.#seen.delete(key)
  }

  /** A sign of life; false when no instance of that key is known. */
  hear(key: string, elapsedMs: number): boolean {
    const seen = this.#seen.get(key)
    if (seen) this.#seen.set(key, { ...seen, heardAt: elapsedMs })
    return seen !== undefined
  }

  load(key: string, load: Beat, elapsedMs: number): void {
    const seen = this.#seen.get(key)
    if (!seen) return
    const isBlocked = load.stuck >= seen.presence.capacity
    this.#seen.set(key, { ...seen, load, blockedSince: isBlocked ? (seen.blockedSince ?? elapsedMs) : undefined })
  }

  get(key: string): Seen | undefined {
    return this.#seen.get(key)
  }

  get size(): number {
    return this.#seen.size
  }

  keys(): string[] {
    return [...this.#seen.keys()]
  }

  /** How many of them are hung. */
  get hung(): number {
    let hung = 0
    for (const { presence } of this.#seen.values()) if (presence.hung) hung++
    return hung
  }

  /** Every offered handler, once. */
  handlers(): { namespace: string; handler: string }[] {
    const offered = new Map<string, { namespace: string; handler: string }>()
    for (const { presence } of this.#seen.values())
      for (const { name } of presence.handlers)
        offered.set(`${presence.namespace}.${name}`, { namespace: presence.namespace, handler: name })
    return [...offered.values()]
  }

  /** Instances that were silent for `lostAfterMs`. */
  silent(elapsedMs: number, lostAfterMs: number): [key: string, seen: Seen][] {
    return [...this.#seen].filter(([, seen]) => elapsedMs - seen.heardAt >= lostAfterMs)
  }

  /** The instances of a namespace by name. */
  list(namespace: string): Seen[] {
    return [...this.#seen.values()]
      .filter((seen) => seen.presence.namespace === namespace)
      .sort((a, b) => (a.presence.instance < b.presence.instance ? -1 : 1))
  }
}
