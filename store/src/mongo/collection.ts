import type { Document, FindOptions as FindOptionsOfDriver, Sort } from 'mongodb'
import type { Columns } from '../columns.ts'
import type { Due, DueQuery, InsertOutcome, UpdateOutcome } from '../ports.ts'
import { SHARES } from '../shares.ts'
import type { PageQuery } from '../slice.ts'
import { isLarge } from './batches.ts'
import { insertAll, newWriter, updateAll } from './bulk.ts'
import type { MongoDatabase } from './database.ts'
import { DocumentShape, Selection, type StoredDocument } from './document.ts'

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

const SIZE = { _id: 1, bytes: { $bsonSize: '$$ROOT' } } as const
/** A page of records of this size is as long as one of heads. */
const SMALL_BYTES = 2 * 1024

/** The first records of a list, and whether others follow. */
export interface Page<Part> {
  readonly items: Part[]
  readonly isMore: boolean
}

/** The records of one kind. */
export class RecordCollection<Item> {
  readonly name: string
  readonly whole: Selection<Item>
  readonly #database: MongoDatabase
  readonly #shape: DocumentShape<Item>
  readonly #idOf: ((item: Item) => string) | undefined

  constructor(database: MongoDatabase, kind: RecordKind<Item>) {
    this.#database = database
    this.name = kind.name
    this.#shape = new DocumentShape(kind.columns)
    this.whole = new Selection(kind.columns)
    this.#idOf = kind.idOf
  }

  async insert(items: readonly Item[]): Promise<InsertOutcome[]> {
    if (items.length === 0) return []
    const documents = items.map((item) => this.#shape.encode(item, this.#idOf?.(item)))
    return this.#database.bulk(() => insertAll(this.#database.bulkTarget(this.name), documents))
  }

  /** About how many there are: the engine need not count them. */
  estimate(): Promise<number> {
    return this.#database.estimate(this.name)
  }

  /** @param maxBytes the answer is shorter than `ids` if it would hold more; one record it holds in any case */
  async get<Part>(selection: Selection<Part>, ids: readonly string[], maxBytes?: number): Promise<(Part | undefined)[]> {
    if (ids.length === 0) return []
    const asked = maxBytes === undefined || ids.length === 1 ? ids : await this.#thatFit(ids, maxBytes)
    const found = await this.find(selection, { _id: { $in: [...asked] } }, { limit: asked.length })
    const byId = new Map(found.map((item) => [(item as { id?: unknown }).id, item]))
    return asked.map((id) => byId.get(id))
  }

  async #thatFit(ids: readonly string[], maxBytes: number): Promise<readonly string[]> {
    const sizes = await this.#sizes({ _id: { $in: [...ids] } })
    const byId = new Map(sizes.map(({ _id, bytes }) => [_id, bytes]))
    return ids.slice(
      0,
      countThatFits(
        ids.map((id) => byId.get(id) ?? 0),
        maxBytes,
      ),
    )
  }

  /** Several changes of one record take effect in the order of the input, in as many bulks. */
  async update(changes: readonly RecordChange<Item>[]): Promise<UpdateOutcome[]> {
    const outcomes: UpdateOutcome[] = []
    let rest = [...changes.entries()]
    while (rest.length > 0) {
      const writer = newWriter()
      const first = new Map(rest.toReversed().map(([index, change]) => [change.id, index]))
      const now = rest.filter(([index, change]) => first.get(change.id) === index)
      const updates = now.map(([, { id, filter, set }]) => ({ id, filter, ...this.#shape.changesOf(set) }))
      const results = await this.#database.bulk(() => updateAll(this.#database.bulkTarget(this.name), updates, writer))
      for (const [i, [index]] of now.entries()) outcomes[index] = results[i]!
      rest = rest.filter(([index, change]) => first.get(change.id) !== index)
    }
    return outcomes
  }

  async find<Part>(selection: Selection<Part>, filter: Document, options: FindOptions = {}): Promise<Part[]> {
    return (await this.#documents(filter, { ...options, projection: selection.projection })).map(selection.decode)
  }

  /** Like `page`, of records that may be large: small ones come with the sizes of all, and large ones are read when it is known that they fit. */
  async pageWithin<Part>(
    selection: Selection<Part>,
    { filter, sort }: { filter: Document; sort: Sort },
    { limit, maxBytes }: PageQuery,
  ): Promise<Page<Part>> {
    if (maxBytes === undefined || limit === 1) return this.page(selection, { filter, sort }, { limit })
    const small = { $cond: [{ $lte: [{ $bsonSize: '$$ROOT' }, SMALL_BYTES] }, selection.parts, '$$REMOVE'] }
    const found = await this.#documents(filter, { sort, limit: limit + 1, projection: { ...SIZE, small } })
    const count = countThatFits(
      found.slice(0, limit).map(({ bytes }) => bytes as number),
      maxBytes,
    )
    const fit = found.slice(0, count)
    const large = fit.filter((document) => document['small'] === undefined).map(({ _id }) => _id)
    const read =
      large.length === 0
        ? []
        : await this.#documents({ $and: [filter, { _id: { $in: large } }] }, { limit: large.length, projection: selection.projection })
    const byId = new Map(read.map((document) => [document._id, document]))
    const items = fit
      .flatMap((document) => (document['small'] as StoredDocument | undefined) ?? byId.get(document._id) ?? [])
      .map(selection.decode)
    return { items, isMore: found.length > count }
  }

  /** A page, and whether there are more. */
  async page<Part>(
    selection: Selection<Part>,
    { filter, sort }: { filter: Document; sort: Sort },
    { limit, maxBytes }: PageQuery,
  ): Promise<Page<Part>> {
    const found = await this.#documents(filter, { sort, limit: limit + 1, projection: selection.projection })
    const asked = found.slice(0, limit).map(selection.decode)
    const items = maxBytes === undefined ? asked : asked.slice(0, countThatFits(asked.map(sizeOf), maxBytes))
    return { items, isMore: found.length > items.length }
  }

  async #sizes(filter: Document, options: FindOptions = {}): Promise<{ _id: unknown; bytes: number }[]> {
    const documents = await this.#documents(filter, { ...options, projection: SIZE })
    return documents.map(({ _id, bytes }) => ({ _id, bytes: bytes as number }))
  }

  /** What has a limit is read in one reply: an engine that need not keep a cursor is several times faster. */
  async #documents(filter: Document, options: FindOptions & { projection: Document }): Promise<StoredDocument[]> {
    const { limit } = options
    const find = (more: FindOptionsOfDriver) =>
      this.#database.read((signal) => this.#collection.find<StoredDocument>(filter, { ...options, ...more, signal }).toArray())
    if (limit === undefined) return find({})
    const found = await find({ batchSize: limit, singleBatch: true })
    // A reply ends where it would be too large.
    return found.length < limit && isLarge(found) ? find({}) : found
  }

  async aggregate(pipeline: Document[]): Promise<Document[]> {
    return this.#database.read((signal) => this.#collection.aggregate(pipeline, { signal }).toArray())
  }

  /** Inserts or replaces. */
  async put(item: Item): Promise<void> {
    const { _id, ...fields } = this.#shape.encode(item).document
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

/** About how many bytes a record has as JSON. */
export const sizeOf = (item: unknown) => Buffer.byteLength(JSON.stringify(item))

interface FindOptions {
  readonly sort?: Sort
  readonly limit?: number
  readonly skip?: number
}

/** How many of the first records fit into the limit together; at least one. */
export function countThatFits(sizes: readonly number[], maxBytes: number): number {
  let bytes = 0
  const end = sizes.findIndex((size, i) => {
    bytes += size
    return bytes > maxBytes && i > 0
  })
  return end < 0 ? sizes.length : end
}

/** The lower bound is redundant; the partial indexes require it. */
export const ANY_TIME = { $gte: 0 }

export const DUE = new Selection<Due>({ id: 'text', wakeAt: 'number' })

/** The filter and order of what is due. A single coordinator owns every share and needs no comparison. */
export function dueFilter({ until, after, shares, limit }: DueQuery): { filter: Document; options: { sort: Sort; limit: number } } {
  const all = new Set(shares).size === SHARES
  const owned = all ? {} : { share: { $in: [...shares] } }
  const from = after ? { $gte: after.wakeAt } : ANY_TIME
  const later = after ? { $or: [{ wakeAt: { $gt: after.wakeAt } }, { _id: { $gt: after.id } }] } : {}
  return { filter: { wakeAt: { ...from, $lte: until }, ...later, ...owned }, options: { sort: { wakeAt: 1, _id: 1 }, limit } }
}
