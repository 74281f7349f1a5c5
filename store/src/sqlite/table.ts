import type { StatementSync } from 'node:sqlite'
import { type ColumnKind, type Columns, fromStored, type StoredValue, toStored } from '../columns.ts'
import type { InsertOutcome } from '../ports.ts'
import type { Connection, Row } from './connection.ts'

/** Maps records of one kind to rows of one table and back. */
export class Table<Item> {
  readonly name: string
  /** Quoted column names, in the order of `encode`. */
  readonly columns: string
  readonly #kinds: readonly (readonly [string, ColumnKind])[]
  readonly #jsonColumns: readonly string[]
  readonly #connection: Connection
  readonly #insert: StatementSync
  readonly #get: StatementSync | undefined

  constructor(connection: Connection, name: string, columns: Columns<Item>) {
    this.name = name
    this.#connection = connection
    this.#kinds = Object.entries<ColumnKind>(columns)
    this.#jsonColumns = this.#kinds.flatMap(([column, kind]) => (kind === 'json' ? [column] : []))
    this.columns = this.#kinds.map(([column]) => `"${column}"`).join(', ')
    const places = this.#kinds.map(() => '?').join(', ')
    this.#insert = connection.statement(`insert into "${name}" (${this.columns}) values (${places}) on conflict do nothing`)
    this.#get = 'id' in columns ? connection.statement(`select ${this.columns} from "${name}" where "id" = ?`) : undefined
  }

  encode(item: Item): StoredValue[] {
    const values: StoredValue[] = []
    for (const [column, kind] of this.#kinds) values.push(toStored((item as Row)[column], kind, column))
    return values
  }

  decode = (row: Row): Item => {
    const item: Row = { ...row }
    for (const column of this.#jsonColumns) item[column] = fromStored(item[column], 'json')
    return item as Item
  }

  /** Everything is encoded, and so checked, before the first row is written. */
  insert(items: readonly Item[]): InsertOutcome[] {
    if (items.length === 0) return []
    const rows = items.map((item) => this.encode(item))
    return this.#connection.addition(() => rows.map((row) => (this.#insert.run(...row).changes === 1 ? 'created' : 'duplicate')))
  }

  get(ids: readonly string[]): (Item | undefined)[] {
    return this.#connection.guard(() =>
      ids.map((id) => {
        const row = this.#get?.get(id) as Row | undefined
        return row === undefined ? undefined : this.decode(row)
      }),
    )
  }

  /** Rows of `select … from this table` followed by `rest`. */
  select(rest: string, values: readonly StoredValue[]): Item[] {
    return this.#connection.all(`select ${this.columns} from "${this.name}" ${rest}`, values).map(this.decode)
  }
}
