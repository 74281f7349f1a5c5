import type { StatementSync } from 'node:sqlite'
import type { StoredValue } from '../columns.ts'
import type { Connection } from './connection.ts'

/** Tables whose records may hold large texts, and the columns of these. */
const LARGE_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  runs: ['payload', 'items', 'graph', 'result', 'error'],
  tasks: ['item', 'context', 'result', 'error'],
  steps: ['result', 'error'],
  signals: ['payload'],
  jobs: ['payload', 'items', 'graph', 'declaration'],
  changes: ['definition'],
  calendars: ['days'],
  deadLetters: ['payload', 'redrivenWith', 'error'],
}
/** One page of the database. */
const LARGER_THAN = 4_096
/** What a column holds whose text is kept beside its table. Such a column holds JSON text, which never begins with it. */
const ELSEWHERE = '\u0001'

/** A text that is too large for the table. */
export interface LargeText {
  readonly column: string
  readonly text: string
}

/**
 * Keeps large texts of a table's records in a table of their own. To find a place in a table `without rowid`, SQLite reads every record whole
 * that it compares with, and to change a record it writes all of it: half a megabyte for each step of a search and for each change of a state.
 */
export class LargeTexts {
  readonly #table: string
  readonly #connection: Connection
  readonly #columns: ReadonlySet<string>
  #put: StatementSync | undefined

  constructor(connection: Connection, table: string) {
    this.#connection = connection
    this.#table = table
    this.#columns = new Set(LARGE_COLUMNS[table])
  }

  /** What the table holds of a value; a large one goes to `beside`. */
  split(column: string, value: StoredValue, beside: LargeText[]): StoredValue {
    if (typeof value !== 'string' || value.length <= LARGER_THAN || !this.#columns.has(column)) return value
    beside.push({ column, text: value })
    return ELSEWHERE
  }

  /** In the transaction that has written the record. */
  keep(id: string, beside: readonly LargeText[]): void {
    if (beside.length === 0) return
    this.#put ??= this.#connection.statement(`replace into "${this.#table}_large" ("record", "column", "text") values (?, ?, ?)`)
    for (const { column, text } of beside) {
      this.#put.run(id, column, text)
      this.#connection.wrote(text.length)
    }
  }

  /** How a column is read. */
  expression(column: string): string {
    if (!this.#columns.has(column)) return `"${column}"`
    const text = `select "text" from "${this.#table}_large" where "record" = "${this.#table}"."id" and "column" = '${column}'`
    return `iif("${column}" = char(1), (${text}), "${column}")`
  }
}
