interface Entry<Value> {
  value: Value
  readonly place: number
}

/**
 * A map that keeps the newest keys, a fixed number of them. Each operation is O(1): `lru-cache`, which this is used in place of where entries are deleted as fast
 * as they are added, clears arrays of its full size each time that its last entry is deleted.
 */
export class RecentMap<Value> {
  readonly #entries = new Map<string, Entry<Value>>()
  /** The keys in the order in which they were added; a ring. */
  readonly #keys: (string | undefined)[] = []
  readonly #max: number
  #next = 0

  constructor(options: { max: number }) {
    this.#max = options.max
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key)?.value
  }

  /** A key that is there keeps its age. */
  set(key: string, value: Value): void {
    const entry = this.#entries.get(key)
    if (entry) {
      entry.value = value
      return
    }
    const oldest = this.#keys[this.#next]
    if (oldest !== undefined) this.#entries.delete(oldest)
    this.#keys[this.#next] = key
    this.#entries.set(key, { value, place: this.#next })
    this.#next = (this.#next + 1) % this.#max
  }

  delete(key: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#keys[entry.place] = undefined
  }
}
