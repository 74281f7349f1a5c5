import type { Clock } from '@carillon/wire/internal'

/** Names that are remembered for a while: at most `most` of them, the oldest go first. */
export class Remembered {
  readonly #clock: Clock
  readonly #forMs: number
  readonly #most: number
  readonly #until = new Map<string, number>()

  constructor(clock: Clock, limits: { forMs: number; most: number }) {
    this.#clock = clock
    this.#forMs = limits.forMs
    this.#most = limits.most
  }

  add(name: string): void {
    this.#forgetOld()
    this.#until.delete(name)
    this.#until.set(name, this.#clock.monotonic() + this.#forMs)
  }

  has(name: string): boolean {
    const until = this.#until.get(name)
    return until !== undefined && until > this.#clock.monotonic()
  }

  #forgetOld(): void {
    const now = this.#clock.monotonic()
    for (const [name, until] of this.#until) {
      if (until > now && this.#until.size < this.#most) return
      this.#until.delete(name)
    }
  }
}
