import { MongoServerError } from 'mongodb'
import { GATE_COLUMNS } from '../columns.ts'
import type { GateRecord } from '../gate-records.ts'
import type { Due, DueQuery, GateChange, GateStore, UpdateOutcome } from '../ports.ts'
import { DUE, dueFilter, RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'
import { DUPLICATE_KEY } from './mongo-error.ts'

export class MongoGateStore implements GateStore {
  readonly #database: MongoDatabase
  readonly #records: RecordCollection<GateRecord>

  constructor(database: MongoDatabase) {
    this.#database = database
    this.#records = new RecordCollection<GateRecord>(database, { name: 'gates', columns: GATE_COLUMNS })
  }

  async get(ids: readonly string[]): Promise<(GateRecord | undefined)[]> {
    return this.#records.get(this.#records.whole, ids)
  }

  async put(changes: readonly GateChange[]): Promise<UpdateOutcome[]> {
    const [fresh, known] = [changes.filter(({ expect }) => expect === null), changes.filter(({ expect }) => expect !== null)]
    const [inserted, updated] = await Promise.all([
      this.#records.insert(fresh.map(({ gate }) => gate)),
      this.#records.update(known.map(({ gate, expect }) => ({ id: gate.id, filter: { revision: expect }, set: gate }))),
    ])
    const outcomes = new Map<GateChange, UpdateOutcome>()
    for (const [i, change] of fresh.entries()) outcomes.set(change, inserted[i] === 'created' ? 'applied' : 'refused')
    for (const [i, change] of known.entries()) outcomes.set(change, updated[i] as UpdateOutcome)
    return changes.map((change) => outcomes.get(change) as UpdateOutcome)
  }

  async remove(gates: readonly { id: string; revision: number }[]): Promise<UpdateOutcome[]> {
    const counts = await Promise.all(gates.map(({ id, revision }) => this.#records.remove({ _id: id, revision })))
    return counts.map((count) => (count === 1 ? 'applied' : 'refused'))
  }

  async due(query: DueQuery): Promise<Due[]> {
    const { filter, options } = dueFilter(query)
    return this.#records.find(DUE, filter, options)
  }

  /**
   * What is counted once more because an answer was lost leaves a gap, and no number twice. Created by an insert of its own: of upserts at one moment
   * some engines answer several as the first.
   */
  async takeOrder(id: string, count: number): Promise<number> {
    for (;;) {
      const taken = await this.#orders((orders) => orders.findOneAndUpdate({ _id: id }, { $inc: { next: count } as never }, AFTER))
      if (taken !== null) return (taken['next'] as number) - count
      await this.#orders((orders) => orders.insertOne({ _id: id, next: 0 }).catch(unlessThere))
    }
  }

  #orders<Answer>(work: (orders: ReturnType<MongoDatabase['collection']>) => Promise<Answer>): Promise<Answer> {
    return this.#database.write(() => work(this.#database.collection('orders')))
  }
}

const AFTER = { returnDocument: 'after' } as const

/** Another one has just created it. */
function unlessThere(error: unknown): void {
  if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error
}
