/** Whatever runs in the background. `start` and `stop` are idempotent, `stop` is legal before `start` and waits for the end. */
export interface Service {
  start(): Promise<void>
  stop(): Promise<void>
}

/** A loop that can be started and stopped any number of times, in any order. A loop that dies by itself is told to `onFailure`. */
export abstract class LoopService implements Service {
  #abort: AbortController | undefined
  #running: Promise<void> = Promise.resolve()

  /** Runs until `signal` aborts. */
  protected abstract run(signal: AbortSignal): Promise<void>
  protected abstract onFailure(error: unknown): void

  start(): Promise<void> {
    if (this.#abort) return Promise.resolve()
    const abort = new AbortController()
    this.#abort = abort
    this.#running = this.#running
      .then(() => (abort.signal.aborted ? undefined : this.run(abort.signal)))
      .catch((error: unknown) => this.onFailure(error))
    return Promise.resolve()
  }

  async stop(): Promise<void> {
    this.#abort?.abort()
    this.#abort = undefined
    await this.#running
  }
}

/** Starts services in order and stops them in reverse. */
export function inOrder(services: readonly Service[]): Service {
  const started: Service[] = []
  return {
    async start() {
      for (const service of services.slice(started.length)) {
        await service.start()
        started.push(service)
      }
    },
    async stop() {
      for (const service of started.splice(0).reverse()) await service.stop()
    },
  }
}
