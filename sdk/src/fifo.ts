/** First in, first out, without moving the entries behind. */
export class Fifo<Entry> {
  #entries: (Entry | undefined)[] = []
  #head = 0

  get size(): number {
    return this.#entries.length - this.#head
  }

  peek(): Entry | undefined {
    return this.#entries[this.#head]
  }

  push(entry: Entry): void {
    this.#entries.push(entry)
  }

  pushFront(entry: Entry): void {
    if (this.#head > 0) this.#entries[--this.#head] = entry
    else this.#entries.unshift(entry)
  }

  shift(): Entry | undefined {
    const entry = this.#entries[this.#head]
    if (this.#head >= this.#entries.length) return undefined
    this.#entries[this.#head++] = undefined
    if (this.#head === this.#entries.length) {
      this.#entries = []
      this.#head = 0
    } else if (this.#head > COMPACT_AT && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
    return entry
  }

  /** Remove and return every entry that `isUnwanted` selects. */
  removeWhere(isUnwanted: (entry: Entry) => boolean): Entry[] {
    const all = this.#entries.slice(this.#head) as Entry[]
    const removed = all.filter(isUnwanted)
    if (removed.length > 0) {
      this.#entries = all.filter((entry) => !removed.includes(entry))
      this.#head = 0
    }
    return removed
  }
}

const COMPACT_AT = 1_024
