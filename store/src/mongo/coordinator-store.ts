import { COORDINATOR_COLUMNS } from '../columns.ts'
import type { CoordinatorStore } from '../ports.ts'
import type { CoordinatorRecord } from '../records.ts'
import { RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'

export class MongoCoordinatorStore implements CoordinatorStore {
  readonly #records: RecordCollection<CoordinatorRecord>

  constructor(database: MongoDatabase) {
    this.#records = new RecordCollection<CoordinatorRecord>(database, { name: 'coordinators', columns: COORDINATOR_COLUMNS })
  }

  async put(record: CoordinatorRecord): Promise<void> {
    await this.#records.put(record)
  }

  async list(): Promise<CoordinatorRecord[]> {
    return this.#records.find(this.#records.whole, {}, { sort: { _id: 1 } })
  }

  async remove(id: string): Promise<void> {
    await this.#records.remove({ _id: id })
  }
}
