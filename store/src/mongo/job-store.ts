import { JOB_COLUMNS } from '../columns.ts'
import type { Due, DueQuery, InsertOutcome, JobMove, JobStore, UpdateOutcome } from '../ports.ts'
import type { JobRecord } from '../records.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import { DUE, dueFilter, RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'

export class MongoJobStore implements JobStore {
  readonly #records: RecordCollection<JobRecord>

  constructor(database: MongoDatabase) {
    this.#records = new RecordCollection<JobRecord>(database, { name: 'jobs', columns: JOB_COLUMNS })
  }

  async insert(job: JobRecord): Promise<InsertOutcome> {
    return (await this.#records.insert([job]))[0]!
  }

  async get(ids: readonly string[], maxBytes?: number): Promise<(JobRecord | undefined)[]> {
    return this.#records.get(this.#records.whole, ids, maxBytes)
  }

  async replace(job: JobRecord, expect: { revision: number }): Promise<UpdateOutcome> {
    // Runs may replace the data while somebody edits the job.
    const { data: _, ...set } = job
    return (await this.#records.update([{ id: job.id, filter: expect, set }]))[0]!
  }

  async advance(moves: readonly JobMove[]): Promise<UpdateOutcome[]> {
    return this.#records.update(moves.map(({ id, expect, set }) => ({ id, filter: { ...expect }, set })))
  }

  async setData(id: string, data: string | null): Promise<UpdateOutcome> {
    return (await this.#records.update([{ id, filter: {}, set: { data } }]))[0]!
  }

  async remove(id: string, { revision }: { revision: number }): Promise<UpdateOutcome> {
    return (await this.#records.remove({ _id: id, revision })) === 1 ? 'applied' : 'refused'
  }

  async list(query: Parameters<JobStore['list']>[0]): Promise<Slice<JobRecord>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const filter = { namespace: query.namespace, name: { $gt: after } }
    const page = await this.#records.pageWithin(this.#records.whole, { filter, sort: { name: 1 } }, query)
    return sliceOf(page, (last) => [last.name])
  }

  async triggered(query: Parameters<JobStore['triggered']>[0]): Promise<Slice<JobRecord>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const filter = { triggers: { $gt: '' }, _id: { $gt: after } }
    const page = await this.#records.pageWithin(this.#records.whole, { filter, sort: { _id: 1 } }, query)
    return sliceOf(page, (last) => [last.id])
  }

  async due(query: DueQuery): Promise<Due[]> {
    const { filter, options } = dueFilter(query)
    return this.#records.find(DUE, filter, options)
  }
}
