import { inIsolation } from './isolate.ts'

class Failed {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

/** Of the items of a batch: while an embedded store writes them, every other use of it waits. */
const MOST_BYTES = 2 * 1024 * 1024
/** What is smaller goes with any batch: it does not wait behind what is large. */
const SMALL_BYTES = 4 * 1024

interface Entry<In, Out> {
  readonly item: In
  readonly bytes: number
  readonly resolve: (out: Out) => void
  readonly reject: (error: unknown) => void
}

/** What was added together. */
interface Group<In, Out> {
  readonly entries: Entry<In, Out>[]
  /** The first that still waits. */
  next: number
}

/**
 * Gathers items and hands them on together. What arrived in one turn of the event loop is one batch: no waiting when idle, large batches
 * under load. At most `maxInFlight` batches are under way; what arrives in the meantime is the next one. Each caller has a share of each batch, so
 * that one item does not wait behind thousands. A batch is limited in bytes as well: a large item waits for one that has room for it.
 */
export class Batcher<In, Out> {
  readonly #bytesOf: (item: In) => number
  readonly #run: (items: readonly In[]) => Promise<readonly Out[]>
  readonly #maxItems: number
  readonly #maxInFlight: number
  #waiting: Group<In, Out>[] = []
  #inFlight = 0
  #due = false

  /**
   * @param bytesOf about how large an item is
   * @param run answers one outcome an item, in order; if it throws a permanent error, the items that cause it fail; if a transient one, all fail
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
    return new Promise((resolve, reject) => this.#wait([{ item, bytes: this.#bytesOf(item), resolve, reject }]))
  }

  /** Items that take their turns as one. */
  addAll(items: readonly In[]): Promise<Out[]> {
    if (items.length === 0) return Promise.resolve([])
    const entries: Entry<In, Out>[] = []
    const outs = items.map(
      (item) => new Promise<Out>((resolve, reject) => entries.push({ item, bytes: this.#bytesOf(item), resolve, reject })),
    )
    this.#wait(entries)
    return Promise.all(outs)
  }

  #wait(entries: Entry<In, Out>[]): void {
    this.#waiting.push({ entries, next: 0 })
    this.#schedule()
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

  /** The first that waits, whatever its size, and as many others as there is room for: of each group the same share, and what is left over. */
  #next(): Entry<In, Out>[] {
    const batch: Entry<In, Out>[] = []
    let bytes = 0
    const share = Math.max(1, Math.floor(this.#maxItems / this.#waiting.length))
    for (let before = -1; before < batch.length && batch.length < this.#maxItems; ) {
      before = batch.length
      for (const group of this.#waiting) {
        const end = Math.min(group.entries.length, group.next + share, group.next + this.#maxItems - batch.length)
        while (group.next < end) {
          const entry = group.entries[group.next] as Entry<In, Out>
          if (batch.length > 0 && entry.bytes > SMALL_BYTES && bytes + entry.bytes > MOST_BYTES) break
          batch.push(entry)
          bytes += entry.bytes
          group.next++
        }
      }
    }
    this.#waiting = this.#waiting.filter(({ entries, next }) => next < entries.length)
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
