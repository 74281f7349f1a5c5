import { DEFAULT_NAMESPACE } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { Store } from '@carillon/store'

/** More than a menu shows. */
const MOST = 500
const KEPT_MS = 5_000

/** The namespaces that have runs: there is no list of namespaces, one begins with its first job or run. */
export class KnownNamespaces {
  readonly #store: Pick<Store, 'retention'>
  readonly #clock: Clock
  #known: { readonly at: number; readonly names: Promise<readonly string[]> } | undefined

  constructor({ store, clock }: { store: Pick<Store, 'retention'>; clock: Clock }) {
    this.#store = store
    this.#clock = clock
  }

  names(): Promise<readonly string[]> {
    const now = this.#clock.monotonic()
    if (this.#known === undefined || now - this.#known.at > KEPT_MS) {
      const names = this.#read()
      this.#known = { at: now, names }
      names.catch(() => {
        this.#known = undefined
      })
    }
    return this.#known.names
  }

  async #read(): Promise<readonly string[]> {
    const names = new Set([DEFAULT_NAMESPACE])
    for (let after = ''; names.size < MOST; ) {
      const next = await this.#store.retention.nextNamespace(after)
      if (next === undefined) break
      names.add(next)
      after = next
    }
    return [...names].sort()
  }
}
