import type { StatementSync } from 'node:sqlite'
import { bytesOf, type ColumnKind, type Columns, fromStored, type StoredValue, toStored } from '../columns.ts'
import type { InsertOutcome, UpdateOutcome } from '../ports.ts'
import type { PageQuery } from '../slice.ts'
import type { Connection, Row } from './connection.ts'
import { type LargeText, LargeTexts } from './large-texts.ts'

/** A record as the table keeps it, and its texts that are too large for that. */
interface Encoded {
  readonly values: StoredValue[]
  readonly beside: LargeText[]
}

/** How some columns of a table are read. */
export class Selection<Item> {
  readonly #parsed: readonly (readonly [string, ColumnKind])[]
  readonly #text: string

  constructor(table: string, columns: Columns<Item>, large: LargeTexts) {
    const kinds = Object.entries<ColumnKind>(columns)
    this.#parsed = kinds.filter(([, kind]) => kind === 'json' || kind === 'error')
    this.#text = `select ${kinds.map(([column, kind]) => `${readAs(kind, large.expression(column))} as "${column}"`).join(', ')} from "${table}"`
  }

  /** @param rest what follows `from <table>` */
  sql(rest: string): string {
    return `${this.#text} ${rest}`
  }

  decode = (row: Row): Item => {
    const item: Row = { ...row }
    for (const [column, kind] of this.#parsed) item[column] = fromStored(item[column], kind)
    return item as Item
  }
}

/** A stack is not even read where it is not wanted. */
const readAs = (kind: ColumnKind, expression: string) => (kind === 'error' ? `json_remove(${expression}, '$.stack')` : expression)

/** Maps records of one kind to rows of one table and back. */
export class Table<Item> {
  readonly name: string
  /** Quoted column names, in the order of `encode`. */
  readonly columns: string
  readonly large: LargeTexts
  readonly whole: Selection<Item>
  readonly #kinds: readonly (readonly [string, ColumnKind])[]
  readonly #connection: Connection
  readonly #insert: StatementSync

  constructor(connection: Connection, name: string, columns: Columns<Item>) {
    this.name = name
    this.#connection = connection
    this.#kinds = Object.entries<ColumnKind>(columns)
    this.columns = this.#kinds.map(([column]) => `"${column}"`).join(', ')
    this.large = new LargeTexts(connection, name)
    this.whole = new Selection(name, columns, this.large)
    const places = this.#kinds.map(() => '?').join(', ')
    this.#insert = connection.statement(`insert into "${name}" (${this.columns}) values (${places}) on conflict do nothing`)
  }

  encode(item: Item): Encoded {
    const values: StoredValue[] = []
    const beside: LargeText[] = []
    for (const [column, kind] of this.#kinds) {
      values.push(this.large.split(column, toStored((item as Row)[column], kind, column), beside))
    }
    return { values, beside }
  }

  /** Everything is encoded, and so checked, before the first row is written. */
  insert(items: readonly Item[]): InsertOutcome[] {
    if (items.length === 0) return []
    const rows = items.map((item) => this.insertion(item))
    return this.#connection.addition(() => rows.map((write) => write()))
  }

  /** What inserts a record, within a transaction. */
  insertion(item: Item): () => InsertOutcome {
    const { values, beside } = this.encode(item)
    return () => {
      if (this.#insert.run(...values).changes !== 1) return 'duplicate'
      this.large.keep((item as { id: string }).id, beside)
      return 'created'
    }
  }

  /** Replaces the whole record, but for one column, if its stored revision is the expected one. */
  replace(item: Item & { readonly id: string }, expect: { revision: number }, kept?: keyof Item & string): UpdateOutcome {
    return this.#connection.transaction(this.replacement(item, expect, kept))
  }

  /** What replaces a record, within a transaction. */
  replacement(item: Item & { readonly id: string }, expect: { revision: number }, kept?: keyof Item & string): () => UpdateOutcome {
    const { values, beside } = this.encode(item)
    const places = this.#kinds.map(([column]) => (column === kept ? `"${column}"` : '?')).join(', ')
    const sql = `update "${this.name}" set (${this.columns}) = (${places}) where "id" = ? and "revision" = ?`
    const statement = this.#connection.statement(sql)
    const written = values.filter((_, i) => this.#kinds[i]?.[0] !== kept)
    return () => {
      if (statement.run(...written, item.id, expect.revision).changes !== 1) return 'refused'
      this.large.keep(item.id, beside)
      return 'applied'
    }
  }

  /** @param maxBytes the answer is shorter than `ids` if it would hold more; one record it holds in any case */
  get<Part>(selection: Selection<Part>, ids: readonly string[], maxBytes = Number.POSITIVE_INFINITY): (Part | undefined)[] {
    return this.#connection.guard(() => {
      const statement = this.#connection.statement(selection.sql('where "id" = ?'))
      const items: (Part | undefined)[] = []
      let bytes = 0
      for (const id of ids) {
        const row = statement.get(id) as Row | undefined
        if (row && maxBytes !== Number.POSITIVE_INFINITY) bytes += bytesOf(row)
        if (bytes > maxBytes && items.length > 0) break
        items.push(row && selection.decode(row))
      }
      return items
    })
  }

  /** Rows of `select … from this table` followed by `rest`. */
  select<Part>(selection: Selection<Part>, rest: string, values: readonly StoredValue[]): Part[] {
    return this.#connection.all(selection.sql(rest), values).map(selection.decode)
  }

  /** A page of such rows, and whether there are more. What does not fit is not read. */
  page<Part>(
    selection: Selection<Part>,
    { rest, values }: { rest: string; values: readonly StoredValue[] },
    { limit, maxBytes = Number.POSITIVE_INFINITY }: PageQuery,
  ): { items: Part[]; isMore: boolean } {
    const items: Part[] = []
    let bytes = 0
    const isMore = this.#connection.each(selection.sql(`${rest} limit ?`), [...values, limit + 1], (row) => {
      if (items.length === limit) return false
      if (maxBytes !== Number.POSITIVE_INFINITY) bytes += bytesOf(row)
      if (bytes > maxBytes && items.length > 0) return false
      items.push(selection.decode(row))
      return true
    })
    return { items, isMore }
  }
}
