/** A promise that knows whether anybody listens to it. */
class Asked<Result> extends Promise<Result> {
  isHeard = false

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
    return super.then(fulfilled, rejected)
  }
}

/**
 * What a handler has asked for with calls that it need not await. An error that nobody listens for ends neither the process nor goes lost:
 * it is there when the handler has returned.
 */
export class AskedFor {
  readonly #failed: { promise: Asked<unknown>; error: unknown }[] = []

  watch<Result>(work: Promise<Result>): Promise<Result> {
    const promise = new Asked<Result>((resolve, reject) => {
      work.then(resolve, (error: unknown) => {
        this.#failed.push({ promise, error })
        reject(error)
      })
    })
    // Not by way of its own `then`: this is nobody who deals with the error.
    Promise.prototype.then.call(promise, undefined, () => undefined)
    return promise
  }

  /** @throws the first error that nobody listened for */
  check(): void {
    const unheard = this.#failed.find(({ promise }) => !promise.isHeard)
    if (unheard) throw unheard.error
  }
}
