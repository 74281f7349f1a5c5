import type { RunState } from '@carillon/contracts'
import type { StoredValue } from '../columns.ts'
import type { RunHead, RunRecord } from '../records.ts'
import { TOMBSTONE_CREATED_AT, TOMBSTONE_STATE } from '../retention-port.ts'
import {
  type Branch,
  branchesOf,
  mergeBranches,
  type Places,
  placeAfter,
  positionOf,
  type RunPlaceInList,
  timeOf,
  withinJson,
} from '../run-search.ts'
import type { RunCount, RunCountQuery, RunFilter, RunListQuery, RunSlice } from '../search-port.ts'
import { READ_PER_PAGE } from '../slice.ts'
import type { Connection } from './connection.ts'
import type { Selection, Table } from './table.ts'

type SearchQuery = RunFilter & Pick<RunListQuery, 'order' | 'cursor'>

/** Finds runs for lists: first where they stand, by an index, then the runs themselves. */
export class SqliteRunSearch {
  readonly #connection: Connection
  readonly #table: Table<RunRecord>
  readonly #head: Selection<RunHead>

  constructor(connection: Connection, table: Table<RunRecord>, head: Selection<RunHead>) {
    this.#connection = connection
    this.#table = table
    this.#head = head
  }

  list(query: RunListQuery): RunSlice {
    const { places, end } = this.#places(query, query.limit)
    const ids = places.map(({ id }) => id)
    const found = this.#table.get(this.#head, ids, query.maxBytes)
    const items = found.filter((run) => run !== undefined)
    const last = found.length < places.length ? places[found.length - 1] : end
    return { items, ...placeAfter(last) }
  }

  count(query: RunCountQuery): RunCount {
    if (this.#filterOf(query).conditions.length > 0) {
      const { places, end } = this.#places(query, Math.min(query.atMost, READ_PER_PAGE))
      return { count: places.length, ...placeAfter(end) }
    }
    let count = 0
    for (const state of branchesOf(query, isIndexed(query))) {
      const { where, values } = scanOf(query, { state })
      const sql = `select count(*) as "count" from (select 1 from "runs" where ${where} limit ?)`
      count += this.#connection.all(sql, [...values, query.atMost - count])[0]?.['count'] as number
    }
    return { count }
  }

  #places(query: SearchQuery, limit: number): Places {
    const branches = branchesOf(query, isIndexed(query))
    const filter = this.#filterOf(query)
    const readAtMost = filter.conditions.length === 0 ? undefined : Math.floor(READ_PER_PAGE / branches.length)
    const find = (state: RunState | undefined): Branch => {
      const end = readAtMost === undefined ? undefined : this.#lastRead(scanOf(query, { state }), readAtMost)
      const { where, values, order, place } = scanOf(query, { state, end })
      const conditions = [where, ...filter.conditions].join(' and ')
      const sql = `select ${place} from "runs" where ${conditions} ${order} limit ?`
      const found = this.#connection.all(sql, [...values, ...filter.values, limit + 1]) as unknown as RunPlaceInList[]
      // What is behind a full page was not looked for.
      return found.length > limit ? { found } : { found, end }
    }
    return mergeBranches(branches.map(find), { order: query.order, limit })
  }

  /** The last run that one page reads; undefined when there are fewer. */
  #lastRead({ where, values, order, place }: Scan, readAtMost: number): RunPlaceInList | undefined {
    const [row] = this.#connection.all(`select ${place} from "runs" where ${where} ${order} limit 1 offset ?`, [...values, readAtMost - 1])
    return row as RunPlaceInList | undefined
  }

  /** The conditions that each scanned run has to meet. A plus keeps SQLite from finding runs by them, out of the order. */
  #filterOf(query: RunFilter): { conditions: string[]; values: StoredValue[] } {
    const { job, states, handlers, triggers, owners, text } = query
    const conditions: string[] = []
    const values: StoredValue[] = []
    const oneOf = (column: string, names: readonly string[] | undefined) => {
      if (names === undefined) return
      conditions.push(`+"${column}" in (select "value" from json_each(?))`)
      values.push(JSON.stringify(names))
    }
    if (!states?.every(isIndexed(query))) oneOf('state', states)
    if (timeOf(query) === 'endedAt' && job !== undefined) oneOf('job', [job])
    oneOf('handler', handlers)
    oneOf('trigger', triggers)
    oneOf('owner', owners)
    if (text !== undefined) {
      const error = `json_extract(${this.#table.large.expression('error')}, '$.name', '$.message', '$.code', '$.stack')`
      conditions.push(`(instr("key", ?) > 0 or instr(${error}, ?) > 0 or instr("payload", ?) > 0)`)
      values.push(text, withinJson(text), text)
    }
    return { conditions, values }
  }
}

/** What an index has, in its order. */
interface Scan {
  readonly where: string
  readonly values: readonly StoredValue[]
  readonly order: string
  /** Where a run stands, as columns. */
  readonly place: string
}

/** Not the state that most runs end in, and not what is queued of a job: it would be looked for among all that is queued. */
const isIndexed = (query: RunFilter) => (state: RunState) =>
  timeOf(query) === 'endedAt' || (state !== 'succeeded' && (state !== 'queued' || query.job === undefined))

/**
 * Of each side one bound: SQLite looks for one of several, and tests the others.
 * @param part.end the last run that is read
 */
function scanOf(query: SearchQuery, { state, end }: { state: RunState | undefined; end?: RunPlaceInList | undefined }): Scan {
  const time = timeOf(query)
  const conditions = ['"namespace" = ?']
  const values: StoredValue[] = [query.namespace]
  const add = (condition: string, ...more: StoredValue[]) => {
    conditions.push(condition)
    values.push(...more)
  }
  if (query.job !== undefined && time === 'createdAt') add('"job" = ?', query.job)
  if (state !== undefined) add(stateCondition(state, time), state)
  const isNewest = query.order !== 'oldest'
  const from = positionOf(query.cursor)
  const at = (comparison: string, { time: moment, id }: RunPlaceInList) => add(`("${time}", "id") ${comparison} (?, ?)`, moment, id)
  const [lowest, highest] = isNewest ? [end, from] : [from, end]
  if (lowest) at(isNewest ? '>=' : '>', lowest)
  else add(`"${time}" > ?`, Math.max(TOMBSTONE_CREATED_AT, (query.since ?? 0) - 1))
  if (highest) at(isNewest ? '<' : '<=', highest)
  else if (query.until !== undefined) add(`"${time}" < ?`, query.until)
  const direction = isNewest ? 'desc' : 'asc'
  return {
    where: conditions.join(' and '),
    values,
    order: `order by "${time}" ${direction}, "id" ${direction}`,
    place: `"${time}" as "time", "id"`,
  }
}

/** The further comparisons are redundant, but let SQLite use the partial indexes. */
function stateCondition(state: RunState, time: 'createdAt' | 'endedAt'): string {
  if (time === 'endedAt') return `"endedAt" is not null and "state" = ? and "state" <> 'succeeded' and "state" <> '${TOMBSTONE_STATE}'`
  return state === 'queued' ? `"state" = ? and "state" <> 'succeeded'` : `"state" = ? and "state" <> 'succeeded' and "state" <> 'queued'`
}
