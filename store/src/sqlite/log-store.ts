import { LOG_COLUMNS, type StoredValue } from '../columns.ts'
import type { LogQuery, LogStore, Slice } from '../ports.ts'
import type { LogRecord } from '../records.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { Table } from './table.ts'

const ORDER = ['"at"', '"taskId"', '"attempt"', '"seq"']
const IDENTITY = '"namespace", "runId", "taskId", "attempt", "seq"'

export class SqliteLogStore implements LogStore {
  readonly #connection: Connection
  readonly #table: Table<LogRecord>

  constructor(connection: Connection) {
    this.#connection = connection
    this.#table = new Table<LogRecord>(connection, 'logs', LOG_COLUMNS)
  }

  async insert(lines: readonly LogRecord[]): Promise<void> {
    this.#table.insert(lines)
  }

  async query(query: LogQuery): Promise<Slice<LogRecord>> {
    const { conditions, values } = logConditions(query)
    const direction = query.order === 'oldest' ? 'asc' : 'desc'
    const order = ORDER.map((column) => `${column} ${direction}`).join(', ')
    const rest = `where ${conditions.join(' and ')} order by ${order}`
    return sliceOf(this.#table.page(this.#table.whole, { rest, values }, query), (last) => [last.at, last.taskId, last.attempt, last.seq])
  }

  async removeOlder({ before, limit }: { before: number; limit: number }): Promise<number> {
    return this.#connection.run(
      `delete from "logs" where (${IDENTITY}) in (select ${IDENTITY} from "logs" where "at" < ? order by "at" limit ?)`,
      [before, limit],
    )
  }

  async trim({ namespace, runId, keep, limit }: Parameters<LogStore['trim']>[0]): Promise<number> {
    const newestFirst = ORDER.map((column) => `${column} desc`).join(', ')
    const columns = ORDER.join(', ')
    return this.#connection.run(
      `delete from "logs" where (${IDENTITY}) in (select ${IDENTITY} from "logs" where "namespace" = ? and "runId" = ? and (${columns}) <=
        (select ${columns} from "logs" where "namespace" = ? and "runId" = ? order by ${newestFirst} limit 1 offset ?) order by ${columns} limit ?)`,
      [namespace, runId, namespace, runId, keep, limit],
    )
  }
}

function logConditions(query: LogQuery): { conditions: string[]; values: StoredValue[] } {
  const conditions = ['"namespace" = ?', '"runId" = ?']
  const values: StoredValue[] = [query.namespace, query.runId]
  const add = (condition: string, ...more: StoredValue[]) => {
    conditions.push(condition)
    values.push(...more)
  }
  const position = decodeCursor(query.cursor, ['number', 'string', 'number', 'number'])
  if (query.taskId !== undefined) add('"taskId" = ?', query.taskId)
  if (query.levels !== undefined) add('"level" in (select "value" from json_each(?))', JSON.stringify(query.levels))
  if (query.text !== undefined) add(`(instr("message", ?) > 0 or instr(coalesce("fields", ''), ?) > 0)`, query.text, query.text)
  if (position !== undefined) add(`(${ORDER.join(', ')}) ${query.order === 'oldest' ? '>' : '<'} (?, ?, ?, ?)`, ...position)
  return { conditions, values }
}
