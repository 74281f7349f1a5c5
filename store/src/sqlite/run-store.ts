import type { RunState } from '@carillon/contracts'
import { RUN_ARRIVAL_COLUMNS, RUN_COLUMNS, RUN_HEAD_COLUMNS, RUN_PLACE_COLUMNS, type StoredValue } from '../columns.ts'
import type { PageQuery, RunListQuery, RunStore, WaitingQuery } from '../ports.ts'
import type { RunArrival, RunHead, RunPlace, RunRecord } from '../records.ts'
import { endOfTasks, TOMBSTONE_CREATED_AT, unlessTombstone } from '../retention-port.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, encodeCursor, READ_PER_PAGE, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { SqliteLifeStore } from './life-store.ts'
import { Selection } from './table.ts'

export class SqliteRunStore extends SqliteLifeStore<RunRecord, RunHead> implements RunStore {
  readonly #place: Selection<RunPlace>
  readonly #arrival: Selection<RunArrival>

  constructor(connection: Connection) {
    super(connection, 'runs', { whole: RUN_COLUMNS, head: RUN_HEAD_COLUMNS })
    this.#place = new Selection<RunPlace>('runs', RUN_PLACE_COLUMNS, this.table.large)
    this.#arrival = new Selection<RunArrival>('runs', RUN_ARRIVAL_COLUMNS, this.table.large)
  }

  override async get(ids: readonly string[], maxBytes?: number): Promise<(RunRecord | undefined)[]> {
    return (await super.get(ids, maxBytes)).map(unlessTombstone)
  }

  override async heads(ids: readonly string[]): Promise<(RunHead | undefined)[]> {
    return (await super.heads(ids)).map(unlessTombstone)
  }

  async list(query: RunListQuery): Promise<Slice<RunHead>> {
    const { conditions, values } = scanOf(query)
    const end = query.handlers === undefined ? undefined : this.#lastRead(conditions, values)
    if (query.handlers !== undefined) {
      conditions.push('"handler" in (select "value" from json_each(?))')
      values.push(JSON.stringify(query.handlers))
    }
    if (end !== undefined) {
      conditions.push('("createdAt", "id") >= (?, ?)')
      values.push(...end)
    }
    const rest = `where ${conditions.join(' and ')} ${NEWEST_FIRST}`
    const slice = sliceOf(this.table.page(this.head, { rest, values }, query), (last) => [last.createdAt, last.id])
    return slice.cursor === undefined && end !== undefined ? { ...slice, cursor: encodeCursor(end) } : slice
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

  /** The position of the last run that one page reads; undefined when there are fewer. */
  #lastRead(conditions: readonly string[], values: readonly StoredValue[]): [createdAt: number, id: string] | undefined {
    const sql = `select "createdAt", "id" from "runs" where ${conditions.join(' and ')} ${NEWEST_FIRST} limit 1 offset ?`
    const [row] = this.connection.all(sql, [...values, READ_PER_PAGE - 1])
    return row && [row['createdAt'] as number, row['id'] as string]
  }
}

const WAITING = `"gate" is not null and "state" = 'waiting' and "gate" = ?`
const [OLDEST_WAITING, NEWEST_WAITING] = ['', ' desc'].map(
  (order) => `where ${WAITING} and "gateKey" = ? order by "gateOrder"${order}, "id"${order} limit ? offset ?`,
) as [string, string]
const keyFrom = (comparison: '>=' | '>') =>
  `select "gateKey" from "runs" where ${WAITING} and "gateKey" ${comparison} ? order by "gateKey" limit 1`
const [FIRST_KEY, NEXT_KEY] = [keyFrom('>='), keyFrom('>')]
const NEWEST_FIRST = 'order by "createdAt" desc, "id" desc'

/** What an index finds, from where the cursor stands. */
function scanOf({ namespace, job, state, since = 0, cursor }: RunListQuery): { conditions: string[]; values: StoredValue[] } {
  const conditions = ['"namespace" = ?', '"createdAt" > ?']
  const values: StoredValue[] = [namespace, Math.max(TOMBSTONE_CREATED_AT, since - 1)]
  const position = decodeCursor(cursor, ['number', 'string'])
  if (job !== undefined) {
    conditions.push('"job" = ?')
    values.push(job)
  }
  if (state !== undefined) {
    conditions.push(stateCondition(state, job !== undefined))
    values.push(state)
  }
  if (position !== undefined) {
    conditions.push('("createdAt", "id") < (?, ?)')
    values.push(...position)
  }
  return { conditions, values }
}

/**
 * The further comparisons are redundant, but let SQLite use the partial indexes. The plus keeps it from scanning everything that is queued to
 * find the runs of one job.
 */
function stateCondition(state: RunState, isOfJob: boolean): string {
  if (state === 'succeeded') return '"state" = ?'
  if (state === 'queued') return isOfJob ? '+"state" = ?' : `"state" = ? and "state" <> 'succeeded'`
  return `"state" = ? and "state" <> 'succeeded' and "state" <> 'queued'`
}
