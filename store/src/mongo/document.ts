import { type ColumnKind, type Columns, fromStored, type StoredValue, toStored } from '../columns.ts'

/**
 * A record as a document: `_id` for `id`, no field where the value is null, JSON as text, and who wrote last. The last few writers let an
 * adapter find out which of its updates took effect, also when the answer to the first attempt was lost.
 */
export interface StoredDocument {
  _id: string | number
  writers?: string[]
  [field: string]: unknown
}

type Fields = Record<string, unknown>

/** The writers that are remembered: more than will change one record between an update and the read that verifies it. */
const WRITERS_KEPT = 8

/** How some fields of a document are read. */
export class Selection<Item> {
  /** For the engine. */
  readonly projection: Readonly<Record<string, 1>>
  readonly #kinds: readonly (readonly [string, ColumnKind])[]

  constructor(columns: Columns<Item>) {
    this.#kinds = Object.entries<ColumnKind>(columns)
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
    this.#kinds = Object.entries<ColumnKind>(columns)
  }

  /** @param id of records that have none of their own */
  encode(item: Item, id?: string): StoredDocument {
    const document: StoredDocument = { _id: id ?? '' }
    for (const [column, kind] of this.#kinds) {
      const value = toStored((item as Fields)[column], kind, column)
      if (value !== null) document[fieldOf(column)] = value
    }
    return document
  }

  /** The update that sets these fields, and no others, to the values of `item`. */
  changeTo(item: Partial<Item>, writer: string): Fields {
    const set: Record<string, StoredValue> = {}
    const unset: Record<string, ''> = {}
    let sets = 0
    let unsets = 0
    for (const [column, kind] of this.#kinds) {
      if (column === 'id' || !(column in item)) continue
      const value = toStored((item as Fields)[column], kind, column)
      if (value === null) unset[column] = ''
      else set[column] = value
      if (value === null) unsets++
      else sets++
    }
    const update: Fields = { $push: { writers: { $each: [writer], $slice: -WRITERS_KEPT } } }
    // MongoDB before 5.0 refuses an empty $set or $unset.
    if (sets > 0) update['$set'] = set
    if (unsets > 0) update['$unset'] = unset
    return update
  }
}
