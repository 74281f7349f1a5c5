import { SIGNAL_COLUMNS } from '../columns.ts'
import type { Due, DueQuery, InsertOutcome, SignalChange, SignalStore, UpdateOutcome } from '../ports.ts'
import type { SignalRecord } from '../signal-records.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import { DUE, dueFilter, RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'

export class MongoSignalStore implements SignalStore {
  readonly #records: RecordCollection<SignalRecord>

  constructor(database: MongoDatabase) {
    this.#records = new RecordCollection<SignalRecord>(database, { name: 'signals', columns: SIGNAL_COLUMNS })
  }

  insert(signals: readonly SignalRecord[]): Promise<InsertOutcome[]> {
    return this.#records.insert(signals)
  }

  get(ids: readonly string[]): Promise<(SignalRecord | undefined)[]> {
    return this.#records.get(this.#records.whole, ids)
  }

  /** The ids of a run's signals are its own with a dot, and what sorts before a slash. */
  async list({ namespace, runId, ...query }: Parameters<SignalStore['list']>[0]): Promise<Slice<SignalRecord>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? [`${runId}.`]
    const filter = { namespace, _id: { $gt: after, $lt: `${runId}/` } }
    return sliceOf(await this.#records.pageWithin(this.#records.whole, { filter, sort: { _id: 1 } }, query), (last) => [last.id])
  }

  open({ namespace, runId, name, limit }: Parameters<SignalStore['open']>[0]): Promise<SignalRecord[]> {
    return this.#records.find(
      this.#records.whole,
      { namespace, runId, name, takenBy: null },
      { sort: { at: 1, sequence: 1, _id: 1 }, limit },
    )
  }

  takenBy(taker: string): Promise<SignalRecord[]> {
    return this.#records.find(this.#records.whole, { takenBy: taker }, { sort: { _id: 1 } })
  }

  update(changes: readonly SignalChange[]): Promise<UpdateOutcome[]> {
    return this.#records.update(changes.map(({ id, expect, set }) => ({ id, filter: { takenBy: expect.takenBy }, set })))
  }

  /** A run has a limited number of them. */
  async usage({ namespace, runId }: Parameters<SignalStore['usage']>[0]): Promise<{ count: number; bytes: number }> {
    const counted = { _id: null, count: { $sum: 1 }, bytes: { $sum: '$bytes' } }
    const [found] = await this.#records.aggregate([{ $match: { namespace, runId, takenBy: null } }, { $group: counted }])
    return { count: found?.['count'] ?? 0, bytes: found?.['bytes'] ?? 0 }
  }

  async countUnclaimed({ namespace, atMost }: Parameters<SignalStore['countUnclaimed']>[0]): Promise<number> {
    const counted = { _id: null, count: { $sum: 1 } }
    const [found] = await this.#records.aggregate([{ $match: { namespace, unclaimed: 1 } }, { $limit: atMost }, { $group: counted }])
    return found?.['count'] ?? 0
  }

  async remove(ids: readonly string[]): Promise<void> {
    await this.#records.remove({ _id: { $in: [...ids] } })
  }

  due(query: DueQuery): Promise<Due[]> {
    const { filter, options } = dueFilter(query)
    return this.#records.find(DUE, filter, options)
  }
}
