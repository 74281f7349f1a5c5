import { DEAD_LETTER_COLUMNS, DEAD_LETTER_HEAD_COLUMNS } from '../columns.ts'
import type { DeadLetterHead, DeadLetterRecord } from '../letter-records.ts'
import type { DeadLetterStore, InsertOutcome, UpdateOutcome } from '../ports.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import { RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'
import { Selection } from './document.ts'

const HEAD = new Selection<DeadLetterHead>(DEAD_LETTER_HEAD_COLUMNS)
const ID = new Selection<{ id: string }>({ id: 'text' })

export class MongoDeadLetterStore implements DeadLetterStore {
  readonly #records: RecordCollection<DeadLetterRecord>

  constructor(database: MongoDatabase) {
    this.#records = new RecordCollection<DeadLetterRecord>(database, { name: 'deadLetters', columns: DEAD_LETTER_COLUMNS })
  }

  async insert(letters: readonly DeadLetterRecord[]): Promise<InsertOutcome[]> {
    return this.#records.insert(letters)
  }

  async get(ids: readonly string[]): Promise<(DeadLetterRecord | undefined)[]> {
    return this.#records.get(this.#records.whole, ids)
  }

  async replace(letter: DeadLetterRecord, expect: { revision: number }): Promise<UpdateOutcome> {
    return (await this.#records.update([{ id: letter.id, filter: expect, set: letter }]))[0]!
  }

  async remove(id: string, { revision }: { revision: number }): Promise<UpdateOutcome> {
    return (await this.#records.remove({ _id: id, revision })) === 1 ? 'applied' : 'refused'
  }

  async list({ namespace, scene, ...query }: Parameters<DeadLetterStore['list']>[0]): Promise<Slice<DeadLetterHead>> {
    const after = decodeCursor(query.cursor, ['number', 'string'])
    const behind = after && { $or: [{ at: { $lt: after[0] } }, { at: after[0], _id: { $lt: after[1] } }] }
    const filter = { namespace, ...(scene === undefined ? {} : { scene }), ...behind }
    const page = await this.#records.page(HEAD, { filter, sort: { at: -1, _id: -1 } }, query)
    return sliceOf(page, (last) => [last.at, last.id])
  }

  async removeOlder({ before, limit }: Parameters<DeadLetterStore['removeOlder']>[0]): Promise<number> {
    const old = await this.#records.find(ID, { at: { $lt: before } }, { sort: { at: 1, _id: 1 }, limit })
    return old.length === 0 ? 0 : this.#records.remove({ _id: { $in: old.map(({ id }) => id) } })
  }
}
