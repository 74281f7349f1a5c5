import { JOB_COLUMNS, toStored } from '../columns.ts'
import type { DueQuery, InsertOutcome, JobMove, JobStore, Slice, UpdateOutcome } from '../ports.ts'
import type { JobRecord } from '../records.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { dueCondition } from './due.ts'
import { Table } from './table.ts'

const ADVANCE = 'update "jobs" set "nextSlotAt" = ?, "wakeAt" = ?, "state" = ? where "id" = ? and "revision" = ? and "nextSlotAt" = ?'

export class SqliteJobStore implements JobStore {
  readonly #connection: Connection
  readonly #table: Table<JobRecord>
  readonly #replace: string

  constructor(connection: Connection) {
    this.#connection = connection
    this.#table = new Table<JobRecord>(connection, 'jobs', JOB_COLUMNS)
    const places = Object.keys(JOB_COLUMNS).map(() => '?')
    this.#replace = `update "jobs" set (${this.#table.columns}) = (${places.join(', ')}) where "id" = ? and "revision" = ?`
  }

  async insert(job: JobRecord): Promise<InsertOutcome> {
    return this.#table.insert([job])[0]!
  }

  async get(ids: readonly string[]): Promise<(JobRecord | undefined)[]> {
    return this.#table.get(ids)
  }

  async replace(job: JobRecord, expect: { revision: number }): Promise<UpdateOutcome> {
    const changed = this.#connection.run(this.#replace, [...this.#table.encode(job), job.id, expect.revision])
    return changed === 1 ? 'applied' : 'refused'
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
    const rest = 'where "namespace" = ? and "name" > ? order by "name" limit ?'
    const items = this.#table.select(rest, [query.namespace, after, query.limit + 1])
    return sliceOf(items, query.limit, (last) => [last.name])
  }

  async due(query: DueQuery): Promise<JobRecord[]> {
    const { condition, values } = dueCondition(query)
    return this.#table.select(condition, values)
  }
}
