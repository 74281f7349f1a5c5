import { STEP_COLUMNS } from '../columns.ts'
import type { InsertOutcome, StepStore } from '../ports.ts'
import type { StepRecord } from '../records.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import { RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'

export class MongoStepStore implements StepStore {
  readonly #records: RecordCollection<StepRecord>

  constructor(database: MongoDatabase) {
    this.#records = new RecordCollection<StepRecord>(database, { name: 'steps', columns: STEP_COLUMNS })
  }

  insert(steps: readonly StepRecord[]): Promise<InsertOutcome[]> {
    return this.#records.insert(steps)
  }

  get(ids: readonly string[]): Promise<(StepRecord | undefined)[]> {
    return this.#records.get(this.#records.whole, ids)
  }

  /** The ids of a task's steps are its own with a dot, and what sorts before a slash. */
  async list({ taskId, ...query }: Parameters<StepStore['list']>[0]): Promise<Slice<StepRecord>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? [`${taskId}.`]
    const page = await this.#records.pageWithin(
      this.#records.whole,
      { filter: { _id: { $gt: after, $lt: `${taskId}/` } }, sort: { _id: 1 } },
      query,
    )
    return sliceOf(page, (last) => [last.id])
  }
}
