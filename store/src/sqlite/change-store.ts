import { CHANGE_COLUMNS } from '../columns.ts'
import { changeId, type JobChangeRecord } from '../job-records.ts'
import type { ChangeStore, ChangesQuery, InsertOutcome } from '../ports.ts'
import type { Connection } from './connection.ts'
import { Table } from './table.ts'

export class SqliteChangeStore implements ChangeStore {
  readonly #connection: Connection
  readonly #table: Table<JobChangeRecord>

  constructor(connection: Connection) {
    this.#connection = connection
    this.#table = new Table<JobChangeRecord>(connection, 'changes', CHANGE_COLUMNS)
  }

  async insert(change: JobChangeRecord): Promise<InsertOutcome> {
    return this.#table.insert([change])[0]!
  }

  async list(query: ChangesQuery): ReturnType<ChangeStore['list']> {
    const before = changeId(query.jobId, query.below)
    const rest = 'where "id" > ? and "id" < ? order by "id" desc'
    return this.#table.page(this.#table.whole, { rest, values: [changeId(query.jobId, 0), before] }, query)
  }

  async trim({ jobId, below }: Parameters<ChangeStore['trim']>[0]): Promise<void> {
    this.#connection.run('delete from "changes" where "id" > ? and "id" < ?', [changeId(jobId, 0), changeId(jobId, below)])
  }

  async removeOlder({ before, limit }: Parameters<ChangeStore['removeOlder']>[0]): Promise<number> {
    const sql = 'delete from "changes" where "id" in (select "id" from "changes" where "at" < ? order by "at", "id" limit ?)'
    return this.#connection.run(sql, [before, limit])
  }
}
