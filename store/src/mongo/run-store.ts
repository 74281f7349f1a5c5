import { RUN_ARRIVAL_COLUMNS, RUN_COLUMNS, RUN_HEAD_COLUMNS, RUN_PLACE_COLUMNS } from '../columns.ts'
import type { RunStore, WaitingQuery } from '../ports.ts'
import type { RunArrival, RunHead, RunPlace, RunRecord } from '../records.ts'
import { endOfTasks, unlessTombstone } from '../retention-port.ts'
import type { RunCount, RunCountQuery, RunListQuery, RunSlice } from '../search-port.ts'
import type { PageQuery, Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { MongoDatabase } from './database.ts'
import { Selection } from './document.ts'
import { MongoLifeStore } from './life-store.ts'
import { MongoRunSearch } from './run-search.ts'

export class MongoRunStore extends MongoLifeStore<RunRecord, RunHead> implements RunStore {
  readonly #search: MongoRunSearch

  constructor(database: MongoDatabase) {
    super(database, 'runs', { whole: RUN_COLUMNS, head: RUN_HEAD_COLUMNS })
    this.#search = new MongoRunSearch({ records: this.records, head: this.head, time: () => database.time() })
  }

  override async get(ids: readonly string[], maxBytes?: number): Promise<(RunRecord | undefined)[]> {
    return (await super.get(ids, maxBytes)).map(unlessTombstone)
  }

  override async heads(ids: readonly string[]): Promise<(RunHead | undefined)[]> {
    return (await super.heads(ids)).map(unlessTombstone)
  }

  async list(query: RunListQuery): Promise<RunSlice> {
    return this.#search.list(query)
  }

  async count(query: RunCountQuery): Promise<RunCount> {
    return this.#search.count(query)
  }

  async children({ of, ...page }: PageQuery & { of: string }): Promise<Slice<RunHead>> {
    const [task, id] = decodeCursor(page.cursor, ['string', 'string']) ?? [of, '']
    const filter = { parentTask: { $gte: task, $lt: endOfTasks(of) }, $or: [{ parentTask: { $gt: task } }, { _id: { $gt: id } }] }
    const found = await this.records.page(this.head, { filter, sort: { parentTask: 1, _id: 1 } }, page)
    return sliceOf(found, (last) => [last.parentTask as string, last.id])
  }

  async endedChildren({ from, ...page }: PageQuery & { from: number }): Promise<Slice<RunHead>> {
    const position = decodeCursor(page.cursor, ['number', 'string'])
    const [at = from, id] = position ?? []
    const behind = position ? { $or: [{ endedAt: { $gt: at } }, { _id: { $gt: id } }] } : {}
    const filter = { parentTask: { $gt: '' }, endedAt: { $gte: at }, ...behind }
    const found = await this.records.page(this.head, { filter, sort: { endedAt: 1, _id: 1 } }, page)
    return sliceOf(found, (last) => [last.endedAt as number, last.id])
  }

  async places(ids: readonly string[]): Promise<(RunPlace | undefined)[]> {
    return this.records.get(PLACE, ids)
  }

  async waiting(queries: readonly WaitingQuery[]): Promise<RunHead[][]> {
    return Promise.all(queries.map((query) => this.#waiting(this.head, query)))
  }

  async arrivals(queries: readonly WaitingQuery[]): Promise<RunArrival[][]> {
    return Promise.all(queries.map((query) => this.#waiting(ARRIVAL, query)))
  }

  async waitingKeys({ gate, after, limit }: { gate: string; after: string | null; limit: number }): Promise<string[]> {
    const keys: string[] = []
    for (let last = after; keys.length < limit; ) {
      const filter = { state: 'waiting', gate, gateKey: last === null ? { $gte: '' } : { $gt: last } }
      const [first] = await this.records.find(KEY, filter, { sort: { gateKey: 1 }, limit: 1 })
      if (first === undefined) break
      last = first.gateKey as string
      keys.push(last)
    }
    return keys
  }

  #waiting<Part>(columns: Selection<Part>, { gate, key, limit, skip = 0, isNewestFirst }: WaitingQuery): Promise<Part[]> {
    const order = isNewestFirst ? -1 : 1
    return this.records.find(columns, { state: 'waiting', gate, gateKey: key }, { sort: { gateOrder: order, _id: order }, limit, skip })
  }
}

const PLACE = new Selection<RunPlace>(RUN_PLACE_COLUMNS)
const ARRIVAL = new Selection<RunArrival>(RUN_ARRIVAL_COLUMNS)
const KEY = new Selection<Pick<RunHead, 'gateKey'>>({ gateKey: 'text' })
