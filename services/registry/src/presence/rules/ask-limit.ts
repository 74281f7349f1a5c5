/** Lets through each key once a window, and only so many keys: a flood of unknown names costs no more than this. */
export class AskLimit {
  readonly #windowMs: number
  readonly #maxKeys: number
  readonly #asked = new Set<string>()
  #windowEndsAt = 0

  constructor(options: { windowMs: number; maxKeys: number }) {
    this.#windowMs = options.windowMs
    this.#maxKeys = options.maxKeys
  }

  allows(key: string, now: number): boolean {
    if (now >= this.#windowEndsAt) {
      this.#asked.clear()
      this.#windowEndsAt = now + this.#windowMs
    }
    if (this.#asked.has(key) || this.#asked.size >= this.#maxKeys) return false
    this.#asked.add(key)
    return true
  }
}
