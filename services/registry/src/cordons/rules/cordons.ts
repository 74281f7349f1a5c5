import type { Cordon } from '@carillon/contracts'

interface Known {
  readonly revision: number
  /** Undefined: it was removed. */
  readonly cordon: Cordon | undefined
}

/**
 * The cordons of instances, live or not, by their keys of presence: entries of the presence bucket, which is authoritative. This follows it, and is ahead
 * of it by what this registry wrote itself.
 */
export class Cordons {
  readonly #known = new Map<string, Known>()

  /** Replaces everything. */
  reset(cordons: ReadonlyMap<string, { cordon: Cordon; revision: number }>): void {
    this.#known.clear()
    for (const [key, known] of cordons) this.#known.set(key, known)
  }

  /** Written or removed as `revision`. */
  follow(key: string, revision: number, cordon: Cordon | undefined): void {
    if (revision > (this.#known.get(key)?.revision ?? 0)) this.#known.set(key, { revision, cordon })
  }

  /** This registry removed what it knew: an older update under way must not restore it. */
  drop(key: string): void {
    const known = this.#known.get(key)
    if (known) this.#known.set(key, { ...known, cordon: undefined })
  }

  get(key: string): Cordon | undefined {
    return this.#known.get(key)?.cordon
  }

  list(): [key: string, cordon: Cordon][] {
    return [...this.#known].flatMap(([key, { cordon }]) => (cordon ? [[key, cordon] as [string, Cordon]] : []))
  }
}
