import { OPEN_STATES } from '@carillon/contracts'
import type { Document } from 'mongodb'
import type { Columns } from '../columns.ts'
import type { Due, DueQuery, InsertOutcome, LifeChange, LifeExpectation, LifeStore, ProgramTally, UpdateOutcome } from '../ports.ts'
import type { LifeHead } from '../records.ts'
import type { PageQuery, Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import { ANY_TIME, DUE, dueFilter, RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'
import { Selection } from './document.ts'

const OWNED = { $in: ['running', 'cancelling'] }

/** What runs and tasks have in common. */
export class MongoLifeStore<Item extends Head, Head extends LifeHead & { readonly id: string }> implements LifeStore<Item, Head> {
  protected readonly records: RecordCollection<Item>
  protected readonly head: Selection<Head>

  constructor(database: MongoDatabase, name: string, columns: { readonly whole: Columns<Item>; readonly head: Columns<Head> }) {
    this.records = new RecordCollection(database, { name, columns: columns.whole })
    this.head = new Selection(columns.head)
  }

  async insert(items: readonly Item[]): Promise<InsertOutcome[]> {
    return this.records.insert(items)
  }

  async get(ids: readonly string[], maxBytes?: number): Promise<(Item | undefined)[]> {
    return this.records.get(this.records.whole, ids, maxBytes)
  }

  async heads(ids: readonly string[]): Promise<(Head | undefined)[]> {
    return this.records.get(this.head, ids)
  }

  async update(changes: readonly LifeChange[]): Promise<UpdateOutcome[]> {
    return this.records.update(
      changes.map(({ id, expect, set }) => ({ id, filter: expected(expect), set: set as unknown as Partial<Item> })),
    )
  }

  async due(query: DueQuery): Promise<Due[]> {
    const { filter, options } = dueFilter(query)
    return this.records.find(DUE, filter, options)
  }

  async queued(query: PageQuery & { from: number; before: number }): Promise<Slice<Head>> {
    const [at, after] = decodeCursor(query.cursor, ['number', 'string']) ?? [query.from, '']
    const filter = { state: 'queued', queuedAt: { $gte: at, $lt: query.before }, $or: [{ queuedAt: { $gt: at } }, { _id: { $gt: after } }] }
    const page = await this.records.page(this.head, { filter, sort: { queuedAt: 1, _id: 1 } }, query)
    return sliceOf(page, (last) => [last.queuedAt!, last.id])
  }

  async queuedCount({ before }: { before: number }): Promise<number> {
    const counted = [{ $match: { queuedAt: { $gte: 0, $lt: before } } }, { $group: { _id: null, count: { $sum: 1 } } }]
    return (await this.records.aggregate(counted))[0]?.['count'] ?? 0
  }

  async programs(namespace: string): Promise<ProgramTally[]> {
    const open = { namespace, program: { $gt: '' }, state: { $in: [...OPEN_STATES] } }
    const _id = { program: '$program', state: '$state' }
    const groups = await this.records.aggregate([
      { $match: open },
      { $group: { _id, count: { $sum: 1 }, pinnedAt: { $min: '$pinnedAt' } } },
    ])
    return groups.map((group) => ({ ...group['_id'], count: group['count'], pinnedAt: group['pinnedAt'] ?? null }))
  }

  async ownedBy(query: PageQuery & { namespace: string; owner: string }): Promise<Slice<Head>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const filter = { namespace: query.namespace, owner: query.owner, state: OWNED, wakeAt: ANY_TIME, _id: { $gt: after } }
    const page = await this.records.page(this.head, { filter, sort: { _id: 1 } }, query)
    return sliceOf(page, (last) => [last.id])
  }
}

/** No owner is null; a missing field equals null, as MongoDB compares it. */
function expected({ namespace, state, attempt, owner, target, wakeAt, gate }: LifeExpectation): Document {
  const filter: Document = { state: state.length === 1 ? state[0] : { $in: [...state] } }
  if (namespace !== undefined) filter['namespace'] = namespace
  if (attempt !== undefined) filter['attempt'] = attempt
  if (owner !== undefined) filter['owner'] = owner.length === 1 ? owner[0] : { $in: [...owner] }
  if (target !== undefined) filter['target'] = target
  if (wakeAt !== undefined) filter['wakeAt'] = wakeAt
  if (gate !== undefined) filter['gate'] = gate
  return filter
}
