/** A promise whose errors are looked at when its handler has returned, unless somebody listens for them. */
class Asked<Result> extends Promise<Result> {
  isHeard = false
  watch: (<Next>(work: Promise<Next>) => Promise<Next>) | undefined

  /** What follows it is a promise like any other. */
  static override get [Symbol.species]() {
    return Promise
  }

  // biome-ignore lint/suspicious/noThenProperty: whoever awaits it calls this
  override then<A = Result, B = never>(
    fulfilled?: ((value: Result) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isHeard = true
    const next = super.then(fulfilled, rejected)
    // Whoever does not listen for errors hands them on.
    return typeof rejected === 'function' || !this.watch ? next : this.watch(next)
  }

  override finally(settled?: (() => void) | null): Promise<Result> {
    const next = super.finally(settled)
    return this.watch ? this.watch(next) : next
  }
}

/**
 * What a handler has asked for with calls that it need not await. An error that nobody listens for neither ends the process nor is lost: it is
 * there when the handler has returned. (Only one that was handed to `Promise.all` and the like, which nobody awaits, cannot be seen.)
 */
export class AskedFor {
  readonly #failed: { promise: Asked<unknown>; error: unknown }[] = []
  readonly #underWay = new Set<Promise<unknown>>()
  #count = 0

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** Whether something is being done that must be done before the task ends or sleeps. */
  get isBusy(): boolean {
    return this.#underWay.size > 0
  }

  /** The same promise for the handler. */
  watch<Result>(work: Promise<Result>): Promise<Result> {
    this.#count++
    const promise = new Asked<Result>((resolve, reject) => {
      work.then(resolve, (error: unknown) => {
        this.#failed.push({ promise, error })
        reject(error)
      })
    })
    promise.watch = (next) => this.watch(next)
    // Not by way of its own `then`: this is nobody who deals with the error.
    Promise.prototype.then.call(promise, undefined, () => undefined)
    return promise
  }

  async track<Result>(work: Promise<Result>): Promise<Result> {
    this.#underWay.add(work)
    try {
      return await work
    } finally {
      this.#underWay.delete(work)
    }
  }

  async settled(): Promise<void> {
    while (this.isBusy) await Promise.allSettled(this.#underWay)
  }

  /** Nothing is under way, and nothing has followed within a turn of the event loop. */
  async quiet(turn: () => Promise<void>): Promise<void> {
    let before: number
    do {
      before = this.#count
      await this.settled()
      await turn()
    } while (this.isBusy || before !== this.#count)
  }

  /** @throws the first error that nobody listened for */
  check(): void {
    const unheard = this.#failed.find(({ promise }) => !promise.isHeard)
    if (unheard) throw unheard.error
  }
}
