import type { Document } from 'mongodb'
import type { Columns } from '../columns.ts'
import type { Due, DueQuery, InsertOutcome, LifeChange, LifeExpectation, LifeStore, Slice, UpdateOutcome } from '../ports.ts'
import type { TaskLife } from '../records.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import { ANY_TIME, dueFilter, RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'

const OWNED = { $in: ['running', 'cancelling'] }

/** What runs and tasks have in common. */
export class MongoLifeStore<Item extends TaskLife & { readonly id: string }> implements LifeStore<Item> {
  protected readonly records: RecordCollection<Item>

  constructor(database: MongoDatabase, name: string, columns: Columns<Item>) {
    this.records = new RecordCollection(database, { name, columns })
  }

  async insert(items: readonly Item[]): Promise<InsertOutcome[]> {
    return this.records.insert(items)
  }

  async get(ids: readonly string[]): Promise<(Item | undefined)[]> {
    return this.records.get(ids)
  }

  async update(changes: readonly LifeChange[]): Promise<UpdateOutcome[]> {
    return this.records.update(changes.map(({ id, expect, set }) => ({ id, filter: expected(expect), set: set as Partial<Item> })))
  }

  async due(query: DueQuery): Promise<Due[]> {
    const { filter, options } = dueFilter(query)
    return (await this.records.find(filter, options)).map((item) => ({ id: item.id, wakeAt: item.wakeAt! }))
  }

  async queued(query: Parameters<LifeStore<Item>['queued']>[0]): Promise<Slice<Item>> {
    const [at, after] = decodeCursor(query.cursor, ['number', 'string']) ?? [query.from, '']
    const filter = { state: 'queued', queuedAt: { $gte: at, $lt: query.before }, $or: [{ queuedAt: { $gt: at } }, { _id: { $gt: after } }] }
    const items = await this.records.find(filter, { sort: { queuedAt: 1, _id: 1 }, limit: query.limit + 1 })
    return sliceOf(items, query.limit, (last) => [last.queuedAt!, last.id])
  }

  async queuedCount({ before }: { before: number }): Promise<number> {
    const counted = [{ $match: { queuedAt: { $gte: 0, $lt: before } } }, { $group: { _id: null, count: { $sum: 1 } } }]
    return (await this.records.aggregate(counted))[0]?.['count'] ?? 0
  }

  async ownedBy(query: { namespace: string; owner: string; cursor?: string | undefined; limit: number }): Promise<Slice<Item>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const filter = { namespace: query.namespace, owner: query.owner, state: OWNED, wakeAt: ANY_TIME, _id: { $gt: after } }
    const items = await this.records.find(filter, { sort: { _id: 1 }, limit: query.limit + 1 })
    return sliceOf(items, query.limit, (last) => [last.id])
  }
}

/** Nobody's name is null, and a field that is not there equals null: both are how MongoDB compares anyway. */
function expected({ namespace, state, attempt, owner }: LifeExpectation): Document {
  const filter: Document = { state: state.length === 1 ? state[0] : { $in: [...state] } }
  if (namespace !== undefined) filter['namespace'] = namespace
  if (attempt !== undefined) filter['attempt'] = attempt
  if (owner !== undefined) filter['owner'] = owner.length === 1 ? owner[0] : { $in: [...owner] }
  return filter
}
