import type { StatementSync } from 'node:sqlite'
import { bytesOf, type ColumnKind, type Columns, fromStored, type StoredValue, toStored } from '../columns.ts'
import type { InsertOutcome, UpdateOutcome } from '../ports.ts'
import type { PageQuery } from '../slice.ts'
import type { Connection, Row, Values } from './connection.ts'
import { type LargeText, LargeTexts } from './large-texts.ts'

/** A record as the table keeps it, and its texts that are too large for that. */
interface Encoded {
  readonly values: StoredValue[]
  readonly beside: LargeText[]
}

const WITH_ID = 'where "id" = ?'
const WITH_IDS = 'where "id" in (select "value" from json_each(?))'

/** How some columns of a table are read. */
export class Selection<Item> {
  readonly #kinds: readonly (readonly [string, ColumnKind])[]
  /** A record without values, to be copied: so all records of a selection have one shape, and are fast to read and to copy. */
  readonly #empty: Readonly<Row>
  readonly #text: string
  /** The place of the id among its columns. */
  readonly idAt: number

  constructor(table: string, columns: Columns<Item>, large: LargeTexts) {
    const kinds = Object.entries<ColumnKind>(columns)
    this.#kinds = kinds
    this.idAt = kinds.findIndex(([column]) => column === 'id')
    this.#empty = Object.fromEntries(kinds.map(([column]) => [column, null]))
    this.#text = `select ${kinds.map(([column, kind]) => `${readAs(kind, large.expression(column))} as "${column}"`).join(', ')} from "${table}"`
  }

  /** @param rest what follows `from <table>` */
  sql(rest: string): string {
    return `${this.#text} ${rest}`
  }

  decode = (values: Values): Item => {
    const item: Row = { ...this.#empty }
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      if (value === null) continue
      const [column, kind] = this.#kinds[i]!
      item[column] = kind === 'json' || kind === 'error' ? fromStored(value, kind) : value
    }
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
    const beside: LargeText[] = []
    const values = this.#kinds.map(([column, kind]) => this.large.split(column, toStored((item as Row)[column], kind, column), beside))
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
    if (ids.length > 1 && maxBytes === Number.POSITIVE_INFINITY) return this.#getAll(selection, ids)
    const items: (Part | undefined)[] = []
    let bytes = 0
    for (const id of ids) {
      const [values] = this.#connection.values(selection.sql(WITH_ID), [id])
      if (values && maxBytes !== Number.POSITIVE_INFINITY) bytes += bytesOf(values)
      if (bytes > maxBytes && items.length > 0) break
      items.push(values && selection.decode(values))
    }
    return items
  }

  /** In one statement: each further one would cost more than its row. */
  #getAll<Part>(selection: Selection<Part>, ids: readonly string[]): (Part | undefined)[] {
    const found = new Map<unknown, Part>()
    for (const values of this.#connection.values(selection.sql(WITH_IDS), [JSON.stringify(ids)]))
      found.set(values[selection.idAt], selection.decode(values))
    return ids.map((id) => found.get(id))
  }

  /** Rows of `select … from this table` followed by `rest`. */
  select<Part>(selection: Selection<Part>, rest: string, values: readonly StoredValue[]): Part[] {
    return this.#connection.values(selection.sql(rest), values).map(selection.decode)
  }

  /** A page of such rows, and whether there are more. What does not fit is not read. */
  page<Part>(
    selection: Selection<Part>,
    { rest, values }: { rest: string; values: readonly StoredValue[] },
    { limit, maxBytes = Number.POSITIVE_INFINITY }: PageQuery,
  ): { items: Part[]; isMore: boolean } {
    const sql = selection.sql(`${rest} limit ?`)
    if (maxBytes === Number.POSITIVE_INFINITY) {
      const rows = this.#connection.values(sql, [...values, limit + 1])
      return { items: rows.slice(0, limit).map(selection.decode), isMore: rows.length > limit }
    }
    const items: Part[] = []
    let bytes = 0
    const isMore = this.#connection.each(sql, [...values, limit + 1], (row) => {
      if (items.length === limit) return false
      bytes += bytesOf(row)
      if (bytes > maxBytes && items.length > 0) return false
      items.push(selection.decode(row))
      return true
    })
    return { items, isMore }
  }
}
