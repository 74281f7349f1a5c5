import type { StoredValue } from '../columns.ts'
import type { LogRecord } from '../log-records.ts'
import type { LogSearchQuery, LogSlice } from '../search-port.ts'
import { decodeCursor, encodeCursor, READ_PER_PAGE } from '../slice.ts'
import type { Connection } from './connection.ts'
import { CONTAINS, IS_ALARMING, isAlarming, isAllAlarming } from './log-filter.ts'
import type { Table } from './table.ts'

/** Both indexes by time go on with the primary key, as those of every table without row ids do. */
const ORDER = ['at', 'namespace', 'runId', 'taskId', 'attempt', 'seq'] as const
type Position = Pick<LogRecord, (typeof ORDER)[number]>
const COLUMNS = ORDER.map((column) => `"${column}"`).join(', ')
const PLACES = ORDER.map(() => '?').join(', ')
const NEWEST_FIRST = `order by ${ORDER.map((column) => `"${column}" desc`).join(', ')}`

/** Finds log lines of all runs of a namespace. */
export class SqliteLogSearch {
  readonly #connection: Connection
  readonly #table: Table<LogRecord>

  constructor(connection: Connection, table: Table<LogRecord>) {
    this.#connection = connection
    this.#table = table
  }

  execute(query: LogSearchQuery): LogSlice {
    const scan = scanOf(query)
    const filter = filterOf(query)
    const end = filter.conditions.length === 0 ? undefined : this.#lastRead(scan)
    const range = rangeOf(query, end)
    const conditions = [...scan.conditions, ...range.conditions, ...filter.conditions]
    const values = [...scan.values, ...range.values, ...filter.values]
    const { items, isMore } = this.#table.page(
      this.#table.whole,
      { rest: `where ${conditions.join(' and ')} ${NEWEST_FIRST}`, values },
      query,
    )
    const last = isMore ? items.at(-1) : end
    return last === undefined ? { items } : { items, cursor: encodeCursor(ORDER.map((column) => last[column])), reached: last.at }
  }

  /** The last line that one page reads; undefined when there are fewer. */
  #lastRead({ conditions, values, ...query }: Scan): Position | undefined {
    const range = rangeOf(query, undefined)
    const where = [...conditions, ...range.conditions].join(' and ')
    const sql = `select ${COLUMNS} from "logs" where ${where} ${NEWEST_FIRST} limit 1 offset ?`
    return this.#connection.all(sql, [...values, ...range.values, READ_PER_PAGE - 1])[0] as Position | undefined
  }
}

/** What an index has. */
interface Scan extends Pick<LogSearchQuery, 'since' | 'until' | 'cursor'> {
  readonly conditions: readonly string[]
  readonly values: readonly StoredValue[]
}

function scanOf({ since, until, cursor, ...query }: LogSearchQuery): Scan {
  if (isAlarming(query)) return { conditions: ['"namespace" = ?', IS_ALARMING], values: [query.namespace], since, until, cursor }
  return { conditions: [], values: [], since, until, cursor }
}

/** Of each side one bound: SQLite looks for one of several, and tests the others. */
function rangeOf({ since, until, cursor }: Pick<Scan, 'since' | 'until' | 'cursor'>, end: Position | undefined) {
  const conditions: string[] = []
  const values: StoredValue[] = []
  const position = decodeCursor(cursor, ['number', 'string', 'string', 'string', 'number', 'number'])
  if (position) {
    conditions.push(`(${COLUMNS}) < (${PLACES})`)
    values.push(...position)
  } else {
    conditions.push('"at" < ?')
    values.push(until ?? Number.MAX_SAFE_INTEGER)
  }
  if (end) {
    conditions.push(`(${COLUMNS}) >= (${PLACES})`)
    values.push(...ORDER.map((column) => end[column]))
  } else if (since !== undefined) {
    conditions.push('"at" >= ?')
    values.push(since)
  }
  return { conditions, values }
}

/** What each scanned line has to be: without these, an index has what is requested. */
function filterOf(query: LogSearchQuery): { conditions: string[]; values: StoredValue[] } {
  const conditions: string[] = []
  const values: StoredValue[] = []
  const add = (condition: string, ...more: StoredValue[]) => {
    conditions.push(condition)
    values.push(...more)
  }
  if (!isAlarming(query)) add('+"namespace" = ?', query.namespace)
  if (query.levels !== undefined && !isAllAlarming(query))
    add('+"level" in (select "value" from json_each(?))', JSON.stringify(query.levels))
  if (query.instance !== undefined) add('"instance" = ?', query.instance)
  if (query.text !== undefined) add(CONTAINS, query.text, query.text, query.text)
  return { conditions, values }
}
