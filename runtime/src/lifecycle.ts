/** A part that runs in the background. `start` and `stop` are idempotent, `stop` is legal before `start` and waits for the end. */
export interface Service {
  start(): Promise<void>
  stop(): Promise<void>
}

/** A loop that can be started and stopped any number of times, in any order. A loop that dies by itself calls `onFailure`. */
export abstract class LoopService implements Service {
  #current: { readonly abort: AbortController; readonly ready: Promise<void> } | undefined
  #running: Promise<void> = Promise.resolve()

  /** Runs until `signal` aborts; it may have, before the first step. */
  protected abstract run(signal: AbortSignal): Promise<void>
  protected abstract onFailure(error: unknown): void

  /** What must be done before `start` resolves; `signal` aborts when the loop is stopped before. When it fails, so does `start`, and the loop does not run. */
  protected prepare(_signal: AbortSignal): Promise<void> {
    return Promise.resolve()
  }

  start(): Promise<void> {
    if (this.#current) return this.#current.ready
    const abort = new AbortController()
    const prepared = this.#running.then(() => !abort.signal.aborted && this.prepare(abort.signal).then(() => true))
    const current = { abort, ready: prepared.then(() => undefined) }
    this.#current = current
    this.#running = prepared.then(
      (due) => (due ? this.run(abort.signal).catch((error: unknown) => this.onFailure(error)) : undefined),
      () => {
        if (this.#current === current) this.#current = undefined
      },
    )
    return current.ready
  }

  async stop(): Promise<void> {
    this.#current?.abort.abort()
    this.#current = undefined
    await this.#running
  }
}

/** Starts services in order and stops them in reverse; a stop that comes in the middle of a start waits for it. */
export function inOrder(services: readonly Service[]): Service {
  const started: Service[] = []
  let last: Promise<void> = Promise.resolve()
  const inTurn = (step: () => Promise<void>) => {
    const done = last.then(step)
    last = done.catch(() => undefined)
    return done
  }
  return {
    start: () =>
      inTurn(async () => {
        for (const service of services.slice(started.length)) {
          await service.start()
          started.push(service)
        }
      }),
    stop: () =>
      inTurn(async () => {
        for (const service of started.splice(0).reverse()) await service.stop()
      }),
  }
}
