import { RUN_ARRIVAL_COLUMNS, RUN_COLUMNS, RUN_HEAD_COLUMNS, RUN_PLACE_COLUMNS } from '../columns.ts'
import type { RunStore, WaitingQuery } from '../ports.ts'
import type { RunArrival, RunHead, RunPlace, RunRecord } from '../records.ts'
import { endOfTasks, unlessTombstone } from '../retention-port.ts'
import type { RunCount, RunCountQuery, RunListQuery, RunSlice } from '../search-port.ts'
import type { PageQuery, Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { SqliteLifeStore } from './life-store.ts'
import { SqliteRunSearch } from './run-search.ts'
import { Selection } from './table.ts'

export class SqliteRunStore extends SqliteLifeStore<RunRecord, RunHead> implements RunStore {
  readonly #place: Selection<RunPlace>
  readonly #arrival: Selection<RunArrival>
  readonly #search: SqliteRunSearch

  constructor(connection: Connection) {
    super(connection, 'runs', { whole: RUN_COLUMNS, head: RUN_HEAD_COLUMNS })
    this.#place = new Selection<RunPlace>('runs', RUN_PLACE_COLUMNS, this.table.large)
    this.#arrival = new Selection<RunArrival>('runs', RUN_ARRIVAL_COLUMNS, this.table.large)
    this.#search = new SqliteRunSearch(connection, this.table, this.head)
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
    const rest = `where "parentTask" is not null and ("parentTask", "id") > (?, ?) and "parentTask" < ? order by "parentTask", "id"`
    const found = this.table.page(this.head, { rest, values: [task, id, endOfTasks(of)] }, page)
    return sliceOf(found, (last) => [last.parentTask as string, last.id])
  }

  async endedChildren({ from, ...page }: PageQuery & { from: number }): Promise<Slice<RunHead>> {
    const [at, id] = decodeCursor(page.cursor, ['number', 'string']) ?? [from, '']
    const rest = `where "parentTask" is not null and ("endedAt", "id") > (?, ?) order by "endedAt", "id"`
    const found = this.table.page(this.head, { rest, values: [at, id] }, page)
    return sliceOf(found, (last) => [last.endedAt as number, last.id])
  }

  async places(ids: readonly string[]): Promise<(RunPlace | undefined)[]> {
    return this.table.get(this.#place, ids)
  }

  async waiting(queries: readonly WaitingQuery[]): Promise<RunHead[][]> {
    return queries.map((query) => this.#waiting(this.head, query))
  }

  async arrivals(queries: readonly WaitingQuery[]): Promise<RunArrival[][]> {
    return queries.map((query) => this.#waiting(this.#arrival, query))
  }

  async waitingKeys({ gate, after, limit }: { gate: string; after: string | null; limit: number }): Promise<string[]> {
    const keys: string[] = []
    for (let last = after; keys.length < limit; ) {
      const [row] = this.connection.all(last === null ? FIRST_KEY : NEXT_KEY, [gate, last ?? ''])
      if (row === undefined) break
      last = row['gateKey'] as string
      keys.push(last)
    }
    return keys
  }

  #waiting<Part>(columns: Selection<Part>, { gate, key, limit, skip = 0, isNewestFirst }: WaitingQuery): Part[] {
    return this.table.select(columns, isNewestFirst ? NEWEST_WAITING : OLDEST_WAITING, [gate, key, limit, skip])
  }
}

const WAITING = `"gate" is not null and "state" = 'waiting' and "gate" = ?`
const [OLDEST_WAITING, NEWEST_WAITING] = ['', ' desc'].map(
  (order) => `where ${WAITING} and "gateKey" = ? order by "gateOrder"${order}, "id"${order} limit ? offset ?`,
) as [string, string]
const keyFrom = (comparison: '>=' | '>') =>
  `select "gateKey" from "runs" where ${WAITING} and "gateKey" ${comparison} ? order by "gateKey" limit 1`
const [FIRST_KEY, NEXT_KEY] = [keyFrom('>='), keyFrom('>')]
