import { LOG_COLUMNS, type StoredValue } from '../columns.ts'
import type { LogRecord } from '../log-records.ts'
import type { LogStore } from '../ports.ts'
import type { LogQuery, LogSearchQuery, LogSlice } from '../search-port.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, encodeCursor, READ_PER_PAGE, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { CONTAINS, IS_ALARMING, isAlarming, isAllAlarming } from './log-filter.ts'
import { SqliteLogSearch } from './log-search.ts'
import { Table } from './table.ts'

const ORDER = ['at', 'taskId', 'attempt', 'seq'] as const
type Position = Pick<LogRecord, (typeof ORDER)[number]>
const IDENTITY = '"namespace", "runId", "taskId", "attempt", "seq"'

export class SqliteLogStore implements LogStore {
  readonly #connection: Connection
  readonly #table: Table<LogRecord>
  readonly #search: SqliteLogSearch

  constructor(connection: Connection) {
    this.#connection = connection
    this.#table = new Table<LogRecord>(connection, 'logs', LOG_COLUMNS)
    this.#search = new SqliteLogSearch(connection, this.#table)
  }

  async insert(lines: readonly LogRecord[]): Promise<void> {
    this.#table.insert(lines)
  }

  async query(query: LogQuery): Promise<Slice<LogRecord>> {
    const scan = scanOf(query)
    const filter = filterOf(query)
    const end = filter.conditions.length === 0 ? undefined : this.#windowEnd(scan)
    const conditions = [...scan.conditions, ...filter.conditions]
    const values = [...scan.values, ...filter.values]
    if (end !== undefined) {
      conditions.push(scan.upTo)
      values.push(...scan.columns.map((column) => end[column]))
    }
    const rest = `where ${conditions.join(' and ')} ${scan.order}`
    const slice = sliceOf(this.#table.page(this.#table.whole, { rest, values }, query), positionOf)
    return slice.cursor === undefined && end !== undefined ? { ...slice, cursor: encodeCursor(positionOf(end)) } : slice
  }

  async search(query: LogSearchQuery): Promise<LogSlice> {
    return this.#search.execute(query)
  }

  /** The last line that one page reads, by the index alone; undefined when the lines end before. */
  #windowEnd({ conditions, values, order }: Scan): Position | undefined {
    const columns = ORDER.map((column) => `"${column}"`).join(', ')
    const sql = `select ${columns} from "logs" where ${conditions.join(' and ')} ${order} limit 1 offset ?`
    return this.#connection.all(sql, [...values, READ_PER_PAGE - 1])[0] as Position | undefined
  }

  async removeOlder({ before, limit }: { before: number; limit: number }): Promise<number> {
    return this.#connection.run(
      `delete from "logs" where (${IDENTITY}) in (select ${IDENTITY} from "logs" where "at" < ? order by "at" limit ?)`,
      [before, limit],
    )
  }

  async trim({ namespace, runId, keep, limit }: Parameters<LogStore['trim']>[0]): Promise<number> {
    const newestFirst = ORDER.map((column) => `"${column}" desc`).join(', ')
    const columns = ORDER.map((column) => `"${column}"`).join(', ')
    return this.#connection.run(
      `delete from "logs" where (${IDENTITY}) in (select ${IDENTITY} from "logs" where "namespace" = ? and "runId" = ? and (${columns}) <=
        (select ${columns} from "logs" where "namespace" = ? and "runId" = ? order by ${newestFirst} limit 1 offset ?) order by ${columns} limit ?)`,
      [namespace, runId, namespace, runId, keep, limit],
    )
  }
}

/** What an index finds, in its order. */
interface Scan {
  readonly conditions: readonly string[]
  readonly values: readonly StoredValue[]
  /** The columns that distinguish its lines. */
  readonly columns: readonly (keyof Position)[]
  readonly order: string
  /** Up to a line and with it, whose `columns` are the values. */
  readonly upTo: string
}

/** With the conditions of partial indexes word for word: SQLite uses them in no other way. */
function scanOf(query: LogQuery): Scan {
  const isOldest = query.order === 'oldest'
  const task = indexedTask(query)
  const columns: readonly (keyof Position)[] = task !== undefined ? ORDER.filter((column) => column !== 'taskId') : ORDER
  const names = columns.map((column) => `"${column}"`)
  const conditions = ['"namespace" = ?', '"runId" = ?']
  const values: StoredValue[] = [query.namespace, query.runId]
  if (task !== undefined) {
    conditions.push('"taskId" = ? and "taskId" <> "runId"')
    values.push(task)
  } else if (isAlarming(query)) {
    conditions.push(IS_ALARMING)
  }
  const position = decodeCursor(query.cursor, ['number', 'string', 'number', 'number'])
  const places = names.map(() => '?').join(', ')
  if (position !== undefined) {
    conditions.push(`(${names.join(', ')}) ${isOldest ? '>' : '<'} (${places})`)
    values.push(...position.filter((_, index) => columns.includes(ORDER[index]!)))
  }
  return {
    conditions,
    values,
    columns,
    order: `order by ${names.map((name) => `${name} ${isOldest ? 'asc' : 'desc'}`).join(', ')}`,
    upTo: `(${names.join(', ')}) ${isOldest ? '<=' : '>='} (${places})`,
  }
}

/** The conditions that each scanned line has to meet. */
function filterOf(query: LogQuery): { conditions: string[]; values: StoredValue[] } {
  const conditions: string[] = []
  const values: StoredValue[] = []
  const add = (condition: string, ...more: StoredValue[]) => {
    conditions.push(condition)
    values.push(...more)
  }
  const task = indexedTask(query)
  // The plus keeps SQLite from sorting by what it regards as a part of the order.
  if (query.taskId !== undefined && task === undefined) add('+"taskId" = ?', query.taskId)
  const isFound = task === undefined && isAllAlarming(query)
  if (query.levels !== undefined && !isFound) add('"level" in (select "value" from json_each(?))', JSON.stringify(query.levels))
  if (query.instance !== undefined) add('+"instance" = ?', query.instance)
  if (query.since !== undefined) add('+"at" >= ?', query.since)
  if (query.until !== undefined) add('+"at" < ?', query.until)
  if (query.text !== undefined) add(CONTAINS, query.text, query.text, query.text)
  return { conditions, values }
}

/** Most lines are of tasks with the id of their run: these have no index of their own. */
const indexedTask = ({ taskId, runId }: LogQuery) => (taskId === runId ? undefined : taskId)
const positionOf = ({ at, taskId, attempt, seq }: Position) => [at, taskId, attempt, seq]
