/** An event that readers of a topic get, encoded once for all of them. */
export interface Entry {
  readonly seq: number
  readonly topic: string
  readonly frame: Buffer
  /** For readers without the right to see payloads; the same buffer where nothing differs. */
  readonly redacted: Buffer
}

export interface RingLimits {
  readonly entries: number
  readonly bytes: number
}

/** Dropped entries are removed from the array when they are so many. */
const COMPACT_AT = 1_024

/** The newest entries of a namespace, within limits of count and bytes; the oldest are dropped. */
export class Ring {
  readonly #limits: RingLimits
  #entries: (Entry | undefined)[] = []
  #start = 0
  #bytes = 0
  #droppedSeq = 0

  constructor(limits: RingLimits) {
    this.#limits = limits
  }

  get bytes(): number {
    return this.#bytes
  }

  get count(): number {
    return this.#entries.length - this.#start
  }

  push(entry: Entry): void {
    this.#entries.push(entry)
    this.#bytes += bytesOf(entry)
    while (this.count > 1 && (this.count > this.#limits.entries || this.#bytes > this.#limits.bytes)) this.#drop()
    if (this.#start < COMPACT_AT || this.#start < this.count) return
    this.#entries = this.#entries.slice(this.#start)
    this.#start = 0
  }

  /** Whether everything that came after that entry is here. */
  holdsAfter(seq: number): boolean {
    return seq >= this.#droppedSeq
  }

  /** The first entry behind that number, undefined: there is none yet. */
  after(seq: number): Entry | undefined {
    let [low, high] = [this.#start, this.#entries.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#entries[middle] as Entry).seq > seq) high = middle
      else low = middle + 1
    }
    return this.#entries[low]
  }

  /** What came after that entry, the oldest first; the ring may change meanwhile. */
  *entriesAfter(seq: number): Generator<Entry, void, void> {
    let position = seq
    for (let entry = this.after(position); entry !== undefined; entry = this.after(position)) {
      yield entry
      position = entry.seq
    }
  }

  #drop(): void {
    const oldest = this.#entries[this.#start] as Entry
    this.#bytes -= bytesOf(oldest)
    this.#entries[this.#start] = undefined
    this.#droppedSeq = oldest.seq
    this.#start++
  }
}

const bytesOf = ({ frame, redacted }: Entry): number => frame.length + (redacted === frame ? 0 : redacted.length)
