import { STEP_COLUMNS } from '../columns.ts'
import type { InsertOutcome, Slice, StepStore } from '../ports.ts'
import type { StepRecord } from '../records.ts'
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
    return this.#records.get(ids)
  }

  /** The ids of a task's steps are its own with a dot, and what sorts before a slash. */
  async list({ taskId, cursor, limit }: Parameters<StepStore['list']>[0]): Promise<Slice<StepRecord>> {
    const [after] = decodeCursor(cursor, ['string']) ?? [`${taskId}.`]
    const items = await this.#records.find({ _id: { $gt: after, $lt: `${taskId}/` } }, { sort: { _id: 1 }, limit: limit + 1 })
    return sliceOf(items, limit, (last) => [last.id])
  }
}
