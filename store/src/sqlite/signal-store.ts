import { SIGNAL_COLUMNS, type StoredValue } from '../columns.ts'
import type { Due, DueQuery, InsertOutcome, SignalChange, SignalStore, UpdateOutcome } from '../ports.ts'
import type { SignalRecord } from '../signal-records.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { dueOf } from './due.ts'
import { Table } from './table.ts'

export class SqliteSignalStore implements SignalStore {
  readonly #connection: Connection
  readonly #table: Table<SignalRecord>

  constructor(connection: Connection) {
    this.#connection = connection
    this.#table = new Table<SignalRecord>(connection, 'signals', SIGNAL_COLUMNS)
  }

  async insert(signals: readonly SignalRecord[]): Promise<InsertOutcome[]> {
    return this.#table.insert(signals)
  }

  async get(ids: readonly string[]): Promise<(SignalRecord | undefined)[]> {
    return this.#table.get(this.#table.whole, ids)
  }

  /** The ids of a run's signals are its own with a dot, and what sorts before a slash. */
  async list({ namespace, runId, ...query }: Parameters<SignalStore['list']>[0]): Promise<Slice<SignalRecord>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? [`${runId}.`]
    const rest = 'where "id" > ? and "id" < ? and "namespace" = ? order by "id"'
    return sliceOf(this.#table.page(this.#table.whole, { rest, values: [after, `${runId}/`, namespace] }, query), (last) => [last.id])
  }

  async open({ namespace, runId, name, limit }: Parameters<SignalStore['open']>[0]): Promise<SignalRecord[]> {
    const rest = 'where "namespace" = ? and "runId" = ? and "name" = ? and "takenBy" is null order by "at", "sequence", "id" limit ?'
    return this.#table.select(this.#table.whole, rest, [namespace, runId, name, limit])
  }

  async takenBy(taker: string): Promise<SignalRecord[]> {
    return this.#table.select(this.#table.whole, 'where "takenBy" = ? order by "id"', [taker])
  }

  async update(changes: readonly SignalChange[]): Promise<UpdateOutcome[]> {
    return this.#connection.transaction(() =>
      changes.map(({ id, expect, set }) => {
        const fields = Object.entries(set) as [string, StoredValue][]
        const sql = `update "signals" set ${fields.map(([field]) => `"${field}" = ?`).join(', ')} where "id" = ? and "takenBy" is ?`
        const values = [...fields.map(([, value]) => value), id, expect.takenBy]
        return this.#connection.statement(sql).run(...values).changes === 1 ? 'applied' : 'refused'
      }),
    )
  }

  async usage({ namespace, runId }: Parameters<SignalStore['usage']>[0]): Promise<{ count: number; bytes: number }> {
    const sql =
      'select count(*) as "count", total("bytes") as "bytes" from "signals" where "namespace" = ? and "runId" = ? and "takenBy" is null'
    const [row] = this.#connection.all(sql, [namespace, runId])
    return { count: row?.['count'] as number, bytes: row?.['bytes'] as number }
  }

  async countUnclaimed({ namespace, atMost }: Parameters<SignalStore['countUnclaimed']>[0]): Promise<number> {
    const sql = 'select count(*) as "count" from (select 1 from "signals" where "namespace" = ? and "unclaimed" = 1 limit ?)'
    return this.#connection.all(sql, [namespace, atMost])[0]?.['count'] as number
  }

  async remove(ids: readonly string[]): Promise<void> {
    const statement = this.#connection.statement('delete from "signals" where "id" = ?')
    this.#connection.transaction(() => {
      for (const id of ids) statement.run(id)
    })
  }

  async due(query: DueQuery): Promise<Due[]> {
    return dueOf(this.#connection, this.#table.name, query)
  }
}
