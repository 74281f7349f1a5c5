import type { Columns } from '../columns.ts'
import type { Due, DueQuery, InsertOutcome, LifeChange, LifeStore, Slice, UpdateOutcome } from '../ports.ts'
import type { TaskLife } from '../records.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { dueCondition } from './due.ts'
import { LifeUpdate } from './life-update.ts'
import { Table } from './table.ts'

/** What runs and tasks have in common. Each call is one transaction, whatever the number of its items. */
export class SqliteLifeStore<Item extends TaskLife & { readonly id: string }> implements LifeStore<Item> {
  protected readonly connection: Connection
  protected readonly table: Table<Item>
  readonly #update: LifeUpdate

  constructor(connection: Connection, name: string, columns: Columns<Item>) {
    this.connection = connection
    this.table = new Table(connection, name, columns)
    this.#update = new LifeUpdate(connection, name)
  }

  async insert(items: readonly Item[]): Promise<InsertOutcome[]> {
    return this.table.insert(items)
  }

  async get(ids: readonly string[]): Promise<(Item | undefined)[]> {
    return this.table.get(ids)
  }

  async update(changes: readonly LifeChange[]): Promise<UpdateOutcome[]> {
    return this.#update.apply(changes)
  }

  async due(query: DueQuery): Promise<Due[]> {
    const { condition, values } = dueCondition(query)
    return this.connection
      .all(`select "id", "wakeAt" from "${this.table.name}" ${condition}`, values)
      .map((row) => ({ id: row['id'] as string, wakeAt: row['wakeAt'] as number }))
  }

  async queued(query: Parameters<LifeStore<Item>['queued']>[0]): Promise<Slice<Item>> {
    const [at, id] = decodeCursor(query.cursor, ['number', 'string']) ?? [query.from, '']
    const items = this.table.select(
      `where "queuedAt" is not null and "state" = 'queued' and ("queuedAt", "id") > (?, ?) and "queuedAt" < ? order by "queuedAt", "id" limit ?`,
      [at, id, query.before, query.limit + 1],
    )
    return sliceOf(items, query.limit, (last) => [last.queuedAt!, last.id])
  }

  async queuedCount({ before }: { before: number }): Promise<number> {
    const sql = `select count(*) as "count" from "${this.table.name}" where "queuedAt" is not null and "queuedAt" < ?`
    return this.connection.all(sql, [before])[0]?.['count'] as number
  }

  async ownedBy(query: { namespace: string; owner: string; cursor?: string | undefined; limit: number }): Promise<Slice<Item>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const items = this.table.select(
      `where "namespace" = ? and "owner" = ? and "wakeAt" is not null and "state" in ('running', 'cancelling') and "id" > ? order by "id" limit ?`,
      [query.namespace, query.owner, after, query.limit + 1],
    )
    return sliceOf(items, query.limit, (last) => [last.id])
  }
}
