/** The promise of a call, for the handler. It records whether its error is handled: by `await` and `Promise.all` it is, by a bare call it is not. */
class CallPromise<Result> implements Promise<Result> {
  readonly [Symbol.toStringTag] = 'CallPromise'
  readonly #work: Promise<Result>
  readonly #follow: <Next>(work: Promise<Next>) => Promise<Next>
  #isAwaited = false

  /** @param follow takes on the promise that an error is handed on to */
  constructor(work: Promise<Result>, follow: <Next>(work: Promise<Next>) => Promise<Next>) {
    this.#work = work
    this.#follow = follow
  }

  /** Its error is handled, or was passed on to a promise that is rejected with it. */
  get isAwaited(): boolean {
    return this.#isAwaited
  }

  // biome-ignore lint/suspicious/noThenProperty: `await` calls this
  then<A = Result, B = never>(
    fulfilled?: ((value: Result) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#isAwaited = true
    const next = this.#work.then(fulfilled, rejected)
    return typeof rejected === 'function' ? next : this.#follow(next)
  }

  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Result | B> {
    return this.then(undefined, rejected)
  }

  finally(settled?: (() => void) | null): Promise<Result> {
    this.#isAwaited = true
    return this.#follow(this.#work.finally(settled))
  }
}

/**
 * The calls of a handler, which it need not await. An unhandled error neither ends the process nor is lost: it fails the attempt when the
 * handler has returned. (A call that is passed to `Promise.all`, whose own promise is never awaited, counts as awaited.)
 */
export class PendingCalls {
  readonly #failed: { promise: CallPromise<unknown>; error: unknown }[] = []
  readonly #underWay = new Set<Promise<unknown>>()
  #count = 0

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** Whether something is being done that must be done before the task ends or sleeps. */
  get isBusy(): boolean {
    return this.#underWay.size > 0
  }

  /** The promise of a call, for the handler. */
  watch<Result>(work: Promise<Result>): Promise<Result> {
    this.#count++
    const promise = new CallPromise(work, (next) => this.watch(next))
    work.catch((error: unknown) => this.#failed.push({ promise, error }))
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

  /** @throws the first unhandled error */
  check(): void {
    const first = this.#failed.find(({ promise }) => !promise.isAwaited)
    if (first) throw first.error
  }
}
