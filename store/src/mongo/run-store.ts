import type { Document } from 'mongodb'
import { RUN_COLUMNS, RUN_HEAD_COLUMNS } from '../columns.ts'
import type { RunStore, Slice } from '../ports.ts'
import type { RunHead, RunRecord } from '../records.ts'
import { TOMBSTONE_CREATED_AT, unlessTombstone } from '../retention-port.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import { ANY_TIME } from './collection.ts'
import type { MongoDatabase } from './database.ts'
import { MongoLifeStore } from './life-store.ts'

export class MongoRunStore extends MongoLifeStore<RunRecord, RunHead> implements RunStore {
  constructor(database: MongoDatabase) {
    super(database, 'runs', { whole: RUN_COLUMNS, head: RUN_HEAD_COLUMNS })
  }

  override async get(ids: readonly string[], maxBytes?: number): Promise<(RunRecord | undefined)[]> {
    return (await super.get(ids, maxBytes)).map(unlessTombstone)
  }

  override async heads(ids: readonly string[]): Promise<(RunHead | undefined)[]> {
    return (await super.heads(ids)).map(unlessTombstone)
  }

  async list(query: Parameters<RunStore['list']>[0]): Promise<Slice<RunHead>> {
    const position = decodeCursor(query.cursor, ['number', 'string'])
    const filter: Document = { namespace: query.namespace, createdAt: { $gt: TOMBSTONE_CREATED_AT } }
    if (query.job !== undefined) filter['job'] = query.job
    if (query.state !== undefined) filter['state'] = query.state
    // Says nothing new; it is what the index of the queued asks for.
    if (query.state === 'queued') filter['queuedAt'] = ANY_TIME
    if (position !== undefined) {
      const [at, before] = position
      filter['createdAt'] = { $gt: TOMBSTONE_CREATED_AT, $lte: at }
      filter['$or'] = [{ createdAt: { $lt: at } }, { _id: { $lt: before } }]
    }
    const page = await this.records.page(this.head, { filter, sort: { createdAt: -1, _id: -1 } }, query)
    return sliceOf(page, (last) => [last.createdAt, last.id])
  }
}
