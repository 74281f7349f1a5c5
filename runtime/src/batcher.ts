import { inIsolation } from './isolate.ts'

class Failed {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

/** Of the items of a batch: what one write of them takes holds up whoever else uses the store. */
const MOST_BYTES = 2 * 1024 * 1024
/** What is smaller goes with any batch: it does not wait behind what is large. */
const SMALL_BYTES = 4 * 1024

interface Entry<In, Out> {
  readonly item: In
  readonly bytes: number
  readonly resolve: (out: Out) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers items and hands them on together. What arrived in one turn of the event loop is one batch: no waiting when idle, large batches
 * under load. At most `maxInFlight` batches are under way; what arrives meanwhile is the next one. A batch is limited in bytes as well: large items
 * wait for one that has room for them, and what is small overtakes them.
 */
export class Batcher<In, Out> {
  readonly #bytesOf: (item: In) => number
  readonly #run: (items: readonly In[]) => Promise<readonly Out[]>
  readonly #maxItems: number
  readonly #maxInFlight: number
  #waiting: Entry<In, Out>[] = []
  #inFlight = 0
  #due = false

  /**
   * @param bytesOf about how large an item is
   * @param run answers one outcome an item, in order; if it throws, every item fails that is at fault, or all where that may pass
   */
  constructor(options: {
    maxItems: number
    maxInFlight: number
    bytesOf: (item: In) => number
    run: (items: readonly In[]) => Promise<readonly Out[]>
  }) {
    this.#bytesOf = options.bytesOf
    this.#run = options.run
    this.#maxItems = options.maxItems
    this.#maxInFlight = options.maxInFlight
  }

  add(item: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, bytes: this.#bytesOf(item), resolve, reject })
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
      const batch = this.#next()
      this.#inFlight++
      this.#handle(batch)
    }
  }

  /** The first of those that wait, whatever its size, and as many others as there is room for. */
  #next(): Entry<In, Out>[] {
    const batch: Entry<In, Out>[] = []
    const rest: Entry<In, Out>[] = []
    let bytes = 0
    let i = 0
    for (; i < this.#waiting.length && batch.length < this.#maxItems; i++) {
      const entry = this.#waiting[i] as Entry<In, Out>
      if (batch.length > 0 && entry.bytes > SMALL_BYTES && bytes + entry.bytes > MOST_BYTES) rest.push(entry)
      else {
        batch.push(entry)
        bytes += entry.bytes
      }
    }
    this.#waiting = i < this.#waiting.length ? rest.concat(this.#waiting.slice(i)) : rest
    return batch
  }

  #handle(batch: readonly Entry<In, Out>[]): void {
    const settled = (settle: (entry: Entry<In, Out>, index: number) => void) => {
      batch.forEach(settle)
      this.#inFlight--
      // In a turn of its own: an embedded store writes on this thread.
      if (this.#waiting.length > 0) this.#schedule()
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
