import { RUN_COLUMNS, type StoredValue } from '../columns.ts'
import type { RunStore, Slice } from '../ports.ts'
import type { RunRecord } from '../records.ts'
import { TOMBSTONE_CREATED_AT, unlessTombstone } from '../retention-port.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { SqliteLifeStore } from './life-store.ts'

export class SqliteRunStore extends SqliteLifeStore<RunRecord> implements RunStore {
  constructor(connection: Connection) {
    super(connection, 'runs', RUN_COLUMNS)
  }

  override async get(ids: readonly string[]): Promise<(RunRecord | undefined)[]> {
    return this.table.get(ids).map(unlessTombstone)
  }

  async list(query: Parameters<RunStore['list']>[0]): Promise<Slice<RunRecord>> {
    const conditions = ['"namespace" = ?', `"createdAt" > ${TOMBSTONE_CREATED_AT}`]
    const values: StoredValue[] = [query.namespace]
    const position = decodeCursor(query.cursor, ['number', 'string'])
    if (query.job !== undefined) {
      conditions.push('"job" = ?')
      values.push(query.job)
    }
    if (query.state !== undefined) {
      // The second comparison says nothing new; it lets SQLite use the partial index of what did not succeed.
      conditions.push(query.state === 'succeeded' ? '"state" = ?' : `"state" = ? and "state" <> 'succeeded'`)
      values.push(query.state)
    }
    if (position !== undefined) {
      conditions.push('("createdAt", "id") < (?, ?)')
      values.push(...position)
    }
    const items = this.table.select(`where ${conditions.join(' and ')} order by "createdAt" desc, "id" desc limit ?`, [
      ...values,
      query.limit + 1,
    ])
    return sliceOf(items, query.limit, (last) => [last.createdAt, last.id])
  }
}
