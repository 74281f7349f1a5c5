import { AUDIT_COLUMNS } from '../account-columns.ts'
import type { AuditQuery, AuditStore } from '../account-port.ts'
import type { AuditRecord } from '../account-records.ts'
import type { InsertOutcome } from '../ports.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { Table } from './table.ts'

export class SqliteAuditStore implements AuditStore {
  readonly #connection: Connection
  readonly #table: Table<AuditRecord>

  constructor(connection: Connection) {
    this.#connection = connection
    this.#table = new Table<AuditRecord>(connection, 'audit', AUDIT_COLUMNS)
  }

  async insert(records: readonly AuditRecord[]): Promise<InsertOutcome[]> {
    return this.#table.insert(records)
  }

  async list({ namespace, actor, action, ...query }: AuditQuery): Promise<Slice<AuditRecord>> {
    const [at, id] = decodeCursor(query.cursor, ['number', 'string']) ?? [Number.MAX_SAFE_INTEGER, '']
    const given = Object.entries({ actor, action }).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const filters = given.map(([column]) => `"${column}" = ? and `).join('')
    const rest = `where "namespace" = ? and ${filters}("at", "id") < (?, ?) order by "at" desc, "id" desc`
    const values = [namespace, ...given.map(([, value]) => value), at, id]
    return sliceOf(this.#table.page(this.#table.whole, { rest, values }, query), (last) => [last.at, last.id])
  }

  async removeOlder({ before, limit }: Parameters<AuditStore['removeOlder']>[0]): Promise<number> {
    const sql = 'delete from "audit" where "id" in (select "id" from "audit" where "at" < ? order by "at", "id" limit ?)'
    return this.#connection.run(sql, [before, limit])
  }
}
