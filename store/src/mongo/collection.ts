import type { Document, Sort } from 'mongodb'
import type { Columns } from '../columns.ts'
import type { DueQuery, InsertOutcome, UpdateOutcome } from '../ports.ts'
import { SHARES } from '../records.ts'
import { type ConditionalUpdate, insertAll, newWriter, updateAll } from './bulk.ts'
import type { MongoDatabase } from './database.ts'
import { DocumentShape } from './document.ts'

/** A change of one record, applied if `filter` matches it. */
export interface RecordChange<Item> {
  readonly id: string
  readonly filter: Document
  readonly set: Partial<Item>
}

export interface RecordKind<Item> {
  /** Of the collection. */
  readonly name: string
  readonly columns: Columns<Item>
  /** Makes the id of records that have none of their own. */
  readonly idOf?: (item: Item) => string
}

/** The records of one kind. */
export class RecordCollection<Item> {
  readonly name: string
  readonly #database: MongoDatabase
  readonly #shape: DocumentShape<Item>
  readonly #idOf: ((item: Item) => string) | undefined

  constructor(database: MongoDatabase, kind: RecordKind<Item>) {
    this.#database = database
    this.name = kind.name
    this.#shape = new DocumentShape(kind.columns)
    this.#idOf = kind.idOf
  }

  async insert(items: readonly Item[]): Promise<InsertOutcome[]> {
    if (items.length === 0) return []
    const documents = items.map((item) => this.#shape.encode(item, this.#idOf?.(item)))
    return this.#database.bulk(() => insertAll(this.#database.bulkTarget(this.name), documents))
  }

  async get(ids: readonly string[]): Promise<(Item | undefined)[]> {
    if (ids.length === 0) return []
    const found = await this.find({ _id: { $in: [...ids] } })
    const byId = new Map(found.map((item) => [(item as { id?: unknown }).id, item]))
    return ids.map((id) => byId.get(id))
  }

  /** Several changes of one record take effect in the order of the input, in as many bulks. */
  async update(changes: readonly RecordChange<Item>[]): Promise<UpdateOutcome[]> {
    const outcomes: UpdateOutcome[] = []
    let rest = [...changes.entries()]
    while (rest.length > 0) {
      const writer = newWriter()
      const first = new Map(rest.toReversed().map(([index, change]) => [change.id, index]))
      const now = rest.filter(([index, change]) => first.get(change.id) === index)
      const updates = now.map(([, change]) => this.#conditional(change, writer))
      const results = await this.#database.bulk(() => updateAll(this.#database.bulkTarget(this.name), updates, writer))
      for (const [i, [index]] of now.entries()) outcomes[index] = results[i]!
      rest = rest.filter(([index, change]) => first.get(change.id) !== index)
    }
    return outcomes
  }

  #conditional({ id, filter, set }: RecordChange<Item>, writer: string): ConditionalUpdate {
    return { id, filter, update: this.#shape.changeTo(set, writer) }
  }

  async find(filter: Document, options: { sort?: Sort; limit?: number; skip?: number } = {}): Promise<Item[]> {
    const documents = await this.#database.read((signal) => this.#collection.find(filter, { ...options, signal }).toArray())
    return documents.map(this.#shape.decode)
  }

  async aggregate(pipeline: Document[]): Promise<Document[]> {
    return this.#database.read((signal) => this.#collection.aggregate(pipeline, { signal }).toArray())
  }

  /** Inserts or replaces. */
  async put(item: Item): Promise<void> {
    const { _id, ...fields } = this.#shape.encode(item)
    await this.#database.write(() => this.#collection.replaceOne({ _id }, fields, { upsert: true }))
  }

  /** Removes what matches; answers how many. */
  async remove(filter: Document): Promise<number> {
    return this.#database.write(async () => (await this.#collection.deleteMany(filter)).deletedCount)
  }

  get #collection() {
    return this.#database.collection(this.name)
  }
}

/** The lower bound says nothing new; it is what the partial indexes ask for. */
export const ANY_TIME = { $gte: 0 }

/** The filter and order of what is due. A single coordinator owns every share and needs no comparison. */
export function dueFilter({ until, after, shares, limit }: DueQuery): { filter: Document; options: { sort: Sort; limit: number } } {
  const all = new Set(shares).size === SHARES
  const owned = all ? {} : { share: { $in: [...shares] } }
  const from = after ? { $gte: after.wakeAt } : ANY_TIME
  const later = after ? { $or: [{ wakeAt: { $gt: after.wakeAt } }, { _id: { $gt: after.id } }] } : {}
  return { filter: { wakeAt: { ...from, $lte: until }, ...later, ...owned }, options: { sort: { wakeAt: 1, _id: 1 }, limit } }
}
