import { STEP_COLUMNS } from '../columns.ts'
import type { InsertOutcome, StepStore } from '../ports.ts'
import type { StepRecord } from '../records.ts'
import type { Slice } from '../slice.ts'
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
    return this.#table.get(this.#table.whole, ids)
  }

  /** The ids of a task's steps are its own with a dot, and what sorts before a slash. */
  async list({ taskId, ...query }: Parameters<StepStore['list']>[0]): Promise<Slice<StepRecord>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? [`${taskId}.`]
    const rest = 'where "id" > ? and "id" < ? order by "id"'
    const page = this.#table.page(this.#table.whole, { rest, values: [after, `${taskId}/`] }, query)
    return sliceOf(page, (last) => [last.id])
  }
}
