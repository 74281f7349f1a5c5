import { CHANGE_COLUMNS } from '../columns.ts'
import { changeId, type JobChangeRecord } from '../job-records.ts'
import type { ChangeStore, ChangesQuery, InsertOutcome } from '../ports.ts'
import { RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'
import { Selection } from './document.ts'

const ID = new Selection<{ id: string }>({ id: 'text' })

export class MongoChangeStore implements ChangeStore {
  readonly #records: RecordCollection<JobChangeRecord>

  constructor(database: MongoDatabase) {
    this.#records = new RecordCollection<JobChangeRecord>(database, { name: 'changes', columns: CHANGE_COLUMNS })
  }

  async insert(change: JobChangeRecord): Promise<InsertOutcome> {
    return (await this.#records.insert([change]))[0]!
  }

  async list(query: ChangesQuery): ReturnType<ChangeStore['list']> {
    const before = changeId(query.jobId, query.below)
    const filter = { _id: { $gt: changeId(query.jobId, 0), $lt: before } }
    return this.#records.pageWithin(this.#records.whole, { filter, sort: { _id: -1 } }, query)
  }

  async trim({ jobId, below }: Parameters<ChangeStore['trim']>[0]): Promise<void> {
    await this.#records.remove({ _id: { $gt: changeId(jobId, 0), $lt: changeId(jobId, below) } })
  }

  async removeOlder({ before, limit }: Parameters<ChangeStore['removeOlder']>[0]): Promise<number> {
    const old = await this.#records.find(ID, { at: { $lt: before } }, { sort: { at: 1, _id: 1 }, limit })
    return old.length === 0 ? 0 : this.#records.remove({ _id: { $in: old.map(({ id }) => id) } })
  }
}
