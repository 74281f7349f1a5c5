import type { Columns } from '../columns.ts'
import type { Due, DueQuery, InsertOutcome, LifeChange, LifeStore, ProgramTally, UpdateOutcome } from '../ports.ts'
import type { LifeHead } from '../records.ts'
import type { PageQuery, Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { dueOf } from './due.ts'
import { LifeUpdate } from './life-update.ts'
import { Selection, Table } from './table.ts'

/** What runs and tasks have in common. Each call is one transaction, whatever the number of its items. */
export class SqliteLifeStore<Item extends Head, Head extends LifeHead & { readonly id: string }> implements LifeStore<Item, Head> {
  protected readonly connection: Connection
  protected readonly table: Table<Item>
  protected readonly head: Selection<Head>
  readonly #update: LifeUpdate

  constructor(connection: Connection, name: string, columns: { readonly whole: Columns<Item>; readonly head: Columns<Head> }) {
    this.connection = connection
    this.table = new Table(connection, name, columns.whole)
    this.head = new Selection(name, columns.head, this.table.large)
    this.#update = new LifeUpdate(connection, { name, large: this.table.large, columns: columns.whole })
  }

  async insert(items: readonly Item[]): Promise<InsertOutcome[]> {
    return this.table.insert(items)
  }

  async get(ids: readonly string[], maxBytes?: number): Promise<(Item | undefined)[]> {
    return this.table.get(this.table.whole, ids, maxBytes)
  }

  async heads(ids: readonly string[]): Promise<(Head | undefined)[]> {
    return this.table.get(this.head, ids)
  }

  async update(changes: readonly LifeChange[]): Promise<UpdateOutcome[]> {
    return this.#update.apply(changes)
  }

  async due(query: DueQuery): Promise<Due[]> {
    return dueOf(this.connection, this.table.name, query)
  }

  async queued(query: PageQuery & { from: number; before: number }): Promise<Slice<Head>> {
    const [at, id] = decodeCursor(query.cursor, ['number', 'string']) ?? [query.from, '']
    const rest = `where "queuedAt" is not null and "state" = 'queued' and ("queuedAt", "id") > (?, ?) and "queuedAt" < ? order by "queuedAt", "id"`
    const page = this.table.page(this.head, { rest, values: [at, id, query.before] }, query)
    return sliceOf(page, (last) => [last.queuedAt!, last.id])
  }

  async queuedCount({ before }: { before: number }): Promise<number> {
    const sql = `select count(*) as "count" from "${this.table.name}" where "queuedAt" is not null and "queuedAt" < ?`
    return this.connection.all(sql, [before])[0]?.['count'] as number
  }

  async programs(namespace: string): Promise<ProgramTally[]> {
    const sql = `select "program", "state", count(*) as "count", min("pinnedAt") as "pinnedAt" from "${this.table.name}"
      where "namespace" = ? and "program" is not null and "endedAt" is null group by "program", "state"`
    return this.connection.all(sql, [namespace]) as unknown as ProgramTally[]
  }

  async ownedBy(query: PageQuery & { namespace: string; owner: string }): Promise<Slice<Head>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const rest = `where "namespace" = ? and "owner" = ? and "wakeAt" is not null and "state" in ('running', 'cancelling') and "id" > ? order by "id"`
    const page = this.table.page(this.head, { rest, values: [query.namespace, query.owner, after] }, query)
    return sliceOf(page, (last) => [last.id])
  }
}
