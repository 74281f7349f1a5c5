import { inIsolation } from './isolate.ts'

class Failed {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

interface Entry<In, Out> {
  readonly item: In
  readonly resolve: (out: Out) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers items and hands them on together. What arrived in one turn of the event loop is one batch: no waiting when idle, large batches
 * under load. At most `maxInFlight` batches are under way; what arrives meanwhile is the next one.
 */
export class Batcher<In, Out> {
  readonly #run: (items: readonly In[]) => Promise<readonly Out[]>
  readonly #maxItems: number
  readonly #maxInFlight: number
  #waiting: Entry<In, Out>[] = []
  #inFlight = 0
  #due = false

  /** @param run answers one outcome an item, in order; if it throws, every item fails that is at fault, or all where that may pass */
  constructor(options: { maxItems: number; maxInFlight: number; run: (items: readonly In[]) => Promise<readonly Out[]> }) {
    this.#run = options.run
    this.#maxItems = options.maxItems
    this.#maxInFlight = options.maxInFlight
  }

  add(item: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      this.#schedule()
    })
  }

  addAll(items: readonly In[]): Promise<Out[]> {
    return Promise.all(items.map((item) => this.add(item)))
  }

  #schedule(): void {
    if (this.#due || this.#inFlight >= this.#maxInFlight) return
    this.#due = true
    setImmediate(() => {
      this.#due = false
      this.#flush()
    })
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#inFlight < this.#maxInFlight) {
      const batch = this.#waiting.splice(0, this.#maxItems)
      this.#inFlight++
      this.#handle(batch)
    }
  }

  #handle(batch: readonly Entry<In, Out>[]): void {
    const settled = (settle: (entry: Entry<In, Out>, index: number) => void) => {
      batch.forEach(settle)
      this.#inFlight--
      if (this.#waiting.length > 0) this.#flush()
    }
    inIsolation(
      batch.map((entry) => entry.item),
      this.#run,
      (_, error) => new Failed(error),
    ).then(
      (outcomes) =>
        settled((entry, index) => {
          const outcome = outcomes[index]
          if (outcome instanceof Failed) entry.reject(outcome.error)
          else entry.resolve(outcome as Out)
        }),
      (error: unknown) => settled((entry) => entry.reject(error)),
    )
  }
}
