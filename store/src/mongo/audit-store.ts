import { AUDIT_COLUMNS } from '../account-columns.ts'
import type { AuditQuery, AuditStore } from '../account-port.ts'
import type { AuditRecord } from '../account-records.ts'
import type { InsertOutcome } from '../ports.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import { RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'
import { Selection } from './document.ts'

const ID = new Selection<{ id: string }>({ id: 'text' })

export class MongoAuditStore implements AuditStore {
  readonly #records: RecordCollection<AuditRecord>

  constructor(database: MongoDatabase) {
    this.#records = new RecordCollection<AuditRecord>(database, { name: 'audit', columns: AUDIT_COLUMNS })
  }

  insert(records: readonly AuditRecord[]): Promise<InsertOutcome[]> {
    return this.#records.insert(records)
  }

  async list({ namespace, actor, action, ...query }: AuditQuery): Promise<Slice<AuditRecord>> {
    const after = decodeCursor(query.cursor, ['number', 'string'])
    const behind = after && { $or: [{ at: { $lt: after[0] } }, { at: after[0], _id: { $lt: after[1] } }] }
    const filter = { namespace, ...(actor === undefined ? {} : { actor }), ...(action === undefined ? {} : { action }), ...behind }
    const page = await this.#records.page(this.#records.whole, { filter, sort: { at: -1, _id: -1 } }, query)
    return sliceOf(page, (last) => [last.at, last.id])
  }

  async removeOlder({ before, limit }: Parameters<AuditStore['removeOlder']>[0]): Promise<number> {
    const old = await this.#records.find(ID, { at: { $lt: before } }, { sort: { at: 1, _id: 1 }, limit })
    return old.length === 0 ? 0 : this.#records.remove({ _id: { $in: old.map(({ id }) => id) } })
  }
}
