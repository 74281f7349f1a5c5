import { type ColumnKind, type Columns, fromStored, type StoredValue, toStored } from '../columns.ts'
import { weight } from './batches.ts'

/**
 * A record as a document: `_id` for `id`, no field where the value is null, JSON as text, and who wrote last. The last few writers let an
 * adapter find out which of its updates took effect, also when the answer to the first attempt was lost.
 */
export interface StoredDocument {
  _id: string | number
  writers?: string[]
  [field: string]: unknown
}

/** A document to insert, and how many bytes it has at most. */
export interface EncodedDocument {
  readonly document: StoredDocument
  readonly bytes: number
}

type Fields = Record<string, unknown>

/** How some fields of a document are read. */
export class Selection<Item> {
  /** For the engine. */
  readonly projection: Readonly<Record<string, 1>>
  /** The same as an expression. */
  readonly parts: Readonly<Record<string, string>>
  readonly #kinds: readonly (readonly [string, ColumnKind])[]

  constructor(columns: Columns<Item>) {
    this.#kinds = Object.entries<ColumnKind>(columns)
    this.parts = Object.fromEntries(this.#kinds.map(([column]) => [fieldOf(column), `$${fieldOf(column)}`]))
    this.projection = Object.fromEntries(this.#kinds.map(([column]) => [fieldOf(column), 1]))
  }

  decode = (document: StoredDocument): Item => {
    const item: Fields = {}
    for (const [column, kind] of this.#kinds) item[column] = fromStored(document[fieldOf(column)], kind)
    return item as Item
  }
}

const fieldOf = (column: string) => (column === 'id' ? '_id' : column)

/** Maps records of one kind to documents and back. */
export class DocumentShape<Item> {
  readonly #kinds: readonly (readonly [string, ColumnKind])[]

  constructor(columns: Columns<Item>) {
    // The state comes first: most partial indexes ask for it, and an engine reads a document from its beginning.
    this.#kinds = Object.entries<ColumnKind>(columns).sort(([one], [other]) => Number(other === 'state') - Number(one === 'state'))
  }

  /** @param id of records that have none of their own */
  encode(item: Item, id?: string): EncodedDocument {
    const document: StoredDocument = { _id: id ?? '' }
    let bytes = 0
    for (const [column, kind] of this.#kinds) {
      const value = toStored((item as Fields)[column], kind, column)
      if (value === null) continue
      document[fieldOf(column)] = value
      bytes += weight(value)
    }
    return { document, bytes }
  }

  /** The fields of `item` that change, without its id. */
  changesOf(item: Partial<Item>): { set: Record<string, StoredValue>; bytes: number } {
    const set: Record<string, StoredValue> = {}
    let bytes = 0
    for (const [column, kind] of this.#kinds) {
      if (column === 'id' || !(column in item)) continue
      const value = toStored((item as Fields)[column], kind, column)
      set[column] = value
      bytes += weight(value)
    }
    return { set, bytes }
  }
}
