import { JOB_COLUMNS, toStored } from '../columns.ts'
import type { Due, DueQuery, InsertOutcome, JobMove, JobStore, UpdateOutcome } from '../ports.ts'
import type { JobRecord } from '../records.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { dueOf } from './due.ts'
import { Table } from './table.ts'

const ADVANCE =
  'update "jobs" set "nextSlotAt" = ?, "wakeAt" = ?, "state" = ?, "awaits" = ?, "chosenSlotAt" = ?, "lastRunId" = coalesce(?, "lastRunId") where "id" = ? and "revision" = ? and "nextSlotAt" is ? and "awaits" is ?'

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
    // Runs may replace the data while somebody edits the job.
    return this.#table.replace(job, expect, 'data')
  }

  async advance(moves: readonly JobMove[]): Promise<UpdateOutcome[]> {
    if (moves.length === 0) return []
    const rows = moves.map(({ id, expect, set }) => [
      toStored(set.nextSlotAt, 'number', 'nextSlotAt'),
      toStored(set.wakeAt, 'number', 'wakeAt'),
      toStored(set.state, 'text', 'state'),
      toStored(set.awaits, 'text', 'awaits'),
      toStored(set.chosenSlotAt, 'number', 'chosenSlotAt'),
      toStored(set.lastRunId ?? null, 'text', 'lastRunId'),
      id,
      expect.revision,
      expect.nextSlotAt,
      expect.awaits,
    ])
    const statement = this.#connection.statement(ADVANCE)
    return this.#connection.transaction(() => rows.map((row) => (statement.run(...row).changes === 1 ? 'applied' : 'refused')))
  }

  async setData(id: string, data: string | null): Promise<UpdateOutcome> {
    const changes = this.#connection.run('update "jobs" set "data" = ? where "id" = ?', [toStored(data, 'text', 'data'), id])
    return changes === 1 ? 'applied' : 'refused'
  }

  async remove(id: string, { revision }: { revision: number }): Promise<UpdateOutcome> {
    return this.#connection.run('delete from "jobs" where "id" = ? and "revision" = ?', [id, revision]) === 1 ? 'applied' : 'refused'
  }

  async list(query: Parameters<JobStore['list']>[0]): Promise<Slice<JobRecord>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const rest = 'where "namespace" = ? and "name" > ? order by "name"'
    const page = this.#table.page(this.#table.whole, { rest, values: [query.namespace, after] }, query)
    return sliceOf(page, (last) => [last.name])
  }

  async triggered(query: Parameters<JobStore['triggered']>[0]): Promise<Slice<JobRecord>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const page = this.#table.page(
      this.#table.whole,
      { rest: 'where "triggers" is not null and "id" > ? order by "id"', values: [after] },
      query,
    )
    return sliceOf(page, (last) => [last.id])
  }

  async due(query: DueQuery): Promise<Due[]> {
    return dueOf(this.#connection, this.#table.name, query)
  }
}
