/** A page of a list as it came. */
export interface LoadedPage<Row> {
  readonly items: readonly Row[]
  /** The cursor of the following page; absent: it is the last one. */
  readonly next?: string | undefined
}

interface KeptPage<Row> {
  readonly cursor: string | undefined
  /** How many rows it has; a page of a filtered list may have few, even none. */
  readonly count: number
  /** Index of its first row. */
  readonly start: number
  /** Undefined: it was let go, and is read again when it is scrolled to. */
  items: Row[] | undefined
  usedAt: number
}

/** Rows in memory: 40 pages of 200, a few MiB. */
const KEPT_PAGES = 40

/**
 * A list of any length, a page at a time: which rows there are so far, those in memory, and what is to be read for a part of it. A page that was
 * let go keeps its place, so that nothing moves.
 */
export class RowPages<Row> {
  readonly #idOf: (row: Row) => string
  readonly #pages: KeptPage<Row>[] = []
  readonly #places = new Map<string, number>()
  #next: string | undefined
  #isComplete = false
  #uses = 0

  constructor(idOf: (row: Row) => string) {
    this.#idOf = idOf
  }

  /** Rows that are known so far. */
  get count(): number {
    const last = this.#pages.at(-1)
    return last === undefined ? 0 : last.start + last.count
  }

  /** Whether there is nothing behind the known rows. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** All rows in memory. */
  get rows(): readonly Row[] {
    return this.#pages.flatMap(({ items }) => items ?? [])
  }

  row(index: number): Row | undefined {
    const page = this.#pageOf(index)
    return page?.items?.[index - page.start]
  }

  has(id: string): boolean {
    return this.#places.has(id)
  }

  /** What must be read so that these rows can be shown: pages that were let go, or the following one. */
  missing(from: number, to: number): readonly { readonly page: number; readonly cursor: string | undefined }[] {
    const found = new Map<number, string | undefined>()
    for (const [i, page] of this.#pages.entries()) {
      if (page.start > to || page.start + page.count <= from) continue
      page.usedAt = ++this.#uses
      if (page.items === undefined) found.set(i, page.cursor)
    }
    if (!this.#isComplete && to >= this.count - 1) found.set(this.#pages.length, this.#next)
    return [...found].map(([page, cursor]) => ({ page, cursor }))
  }

  /** The first page, and those in memory that were used last. */
  newestUsed(count: number): readonly { readonly page: number; readonly cursor: string | undefined }[] {
    const kept = this.#pages.map(({ cursor, items, usedAt }, page) => ({ page, cursor, isKept: items !== undefined, usedAt }))
    const [first, ...others] = kept
    if (first === undefined) return []
    const used = others.filter(({ isKept }) => isKept).sort((a, b) => b.usedAt - a.usedAt)
    return [first, ...used.slice(0, count - 1)].map(({ page, cursor }) => ({ page, cursor }))
  }

  /** @param page which one, as `missing` said */
  load(page: number, { items, next }: LoadedPage<Row>): void {
    const known = this.#pages[page]
    if (known === undefined) {
      if (page !== this.#pages.length) return
      this.#pages.push({ cursor: this.#next, count: items.length, start: this.count, items: [...items], usedAt: ++this.#uses })
      this.#next = next
      this.#isComplete = next === undefined
    } else {
      // Runs may have been removed meanwhile: the places of all others stay.
      known.items = items.slice(0, known.count)
      known.usedAt = ++this.#uses
    }
    for (const item of items) this.#places.set(this.#idOf(item), page)
    this.#letGo()
  }

  /** Changes a row in its place. @returns whether it is in memory */
  patch(id: string, change: (row: Row) => Row): boolean {
    const items = this.#pages[this.#places.get(id) ?? -1]?.items
    const at = items?.findIndex((row) => this.#idOf(row) === id) ?? -1
    const row = items?.[at]
    if (items === undefined || row === undefined) return false
    items[at] = change(row)
    return true
  }

  #pageOf(index: number): KeptPage<Row> | undefined {
    let [low, high] = [0, this.#pages.length - 1]
    while (low <= high) {
      const middle = (low + high) >> 1
      const page = this.#pages[middle] as KeptPage<Row>
      if (index < page.start) high = middle - 1
      else if (index >= page.start + page.count) low = middle + 1
      else return page
    }
    return undefined
  }

  #letGo(): void {
    const kept = this.#pages.filter(({ items }) => items !== undefined)
    kept.sort((a, b) => a.usedAt - b.usedAt)
    for (const page of kept.slice(0, Math.max(0, kept.length - KEPT_PAGES))) {
      for (const row of page.items ?? []) this.#places.delete(this.#idOf(row))
      page.items = undefined
    }
  }
}
