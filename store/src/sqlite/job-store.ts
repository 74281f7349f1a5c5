import { JOB_COLUMNS, toStored } from '../columns.ts'
import type { Due, DueQuery, InsertOutcome, JobMove, JobStore, UpdateOutcome } from '../ports.ts'
import type { JobRecord } from '../records.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { dueOf } from './due.ts'
import { Table } from './table.ts'

const ADVANCE = 'update "jobs" set "nextSlotAt" = ?, "wakeAt" = ?, "state" = ? where "id" = ? and "revision" = ? and "nextSlotAt" = ?'

export class SqliteJobStore implements JobStore {
  readonly #connection: Connection
  readonly #table: Table<JobRecord>

  constructor(connection: Connection) {
    this.#connection = connection
    this.#table = new Table<JobRecord>(connection, 'jobs', JOB_COLUMNS)
  }

  async insert(job: JobRecord): Promise<InsertOutcome> {
    return this.#table.insert([job])[0]!
  }

  async get(ids: readonly string[], maxBytes?: number): Promise<(JobRecord | undefined)[]> {
    return this.#table.get(this.#table.whole, ids, maxBytes)
  }

  async replace(job: JobRecord, expect: { revision: number }): Promise<UpdateOutcome> {
    return this.#table.replace(job, expect)
  }

  async advance(moves: readonly JobMove[]): Promise<UpdateOutcome[]> {
    if (moves.length === 0) return []
    const rows = moves.map(({ id, expect, set }) => [
      toStored(set.nextSlotAt, 'number', 'nextSlotAt'),
      toStored(set.wakeAt, 'number', 'wakeAt'),
      toStored(set.state, 'text', 'state'),
      id,
      expect.revision,
      expect.nextSlotAt,
    ])
    const statement = this.#connection.statement(ADVANCE)
    return this.#connection.transaction(() => rows.map((row) => (statement.run(...row).changes === 1 ? 'applied' : 'refused')))
  }

  async remove(id: string): Promise<boolean> {
    return this.#connection.run('delete from "jobs" where "id" = ?', [id]) === 1
  }

  async list(query: Parameters<JobStore['list']>[0]): Promise<Slice<JobRecord>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const rest = 'where "namespace" = ? and "name" > ? order by "name"'
    const page = this.#table.page(this.#table.whole, { rest, values: [query.namespace, after] }, query)
    return sliceOf(page, (last) => [last.name])
  }

  async due(query: DueQuery): Promise<Due[]> {
    return dueOf(this.#connection, this.#table.name, query)
  }
}
