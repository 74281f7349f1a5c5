import { STEP_COLUMNS } from '../columns.ts'
import type { InsertOutcome, Slice, StepStore } from '../ports.ts'
import type { StepRecord } from '../records.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { Table } from './table.ts'

export class SqliteStepStore implements StepStore {
  readonly #table: Table<StepRecord>

  constructor(connection: Connection) {
    this.#table = new Table<StepRecord>(connection, 'steps', STEP_COLUMNS)
  }

  async insert(steps: readonly StepRecord[]): Promise<InsertOutcome[]> {
    return this.#table.insert(steps)
  }

  async get(ids: readonly string[]): Promise<(StepRecord | undefined)[]> {
    return this.#table.get(ids)
  }

  /** The ids of a task's steps are its own with a dot, and what sorts before a slash. */
  async list({ taskId, cursor, limit }: Parameters<StepStore['list']>[0]): Promise<Slice<StepRecord>> {
    const [after] = decodeCursor(cursor, ['string']) ?? [`${taskId}.`]
    const items = this.#table.select('where "id" > ? and "id" < ? order by "id" limit ?', [after, `${taskId}/`, limit + 1])
    return sliceOf(items, limit, (last) => [last.id])
  }
}
