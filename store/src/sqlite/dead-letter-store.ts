import { DEAD_LETTER_COLUMNS, DEAD_LETTER_HEAD_COLUMNS } from '../columns.ts'
import type { DeadLetterHead, DeadLetterRecord } from '../letter-records.ts'
import type { DeadLetterStore, InsertOutcome, UpdateOutcome } from '../ports.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { Selection, Table } from './table.ts'

export class SqliteDeadLetterStore implements DeadLetterStore {
  readonly #connection: Connection
  readonly #table: Table<DeadLetterRecord>
  readonly #head: Selection<DeadLetterHead>

  constructor(connection: Connection) {
    this.#connection = connection
    this.#table = new Table<DeadLetterRecord>(connection, 'deadLetters', DEAD_LETTER_COLUMNS)
    this.#head = new Selection<DeadLetterHead>('deadLetters', DEAD_LETTER_HEAD_COLUMNS, this.#table.large)
  }

  async insert(letters: readonly DeadLetterRecord[]): Promise<InsertOutcome[]> {
    return this.#table.insert(letters)
  }

  async get(ids: readonly string[]): Promise<(DeadLetterRecord | undefined)[]> {
    return this.#table.get(this.#table.whole, ids)
  }

  async replace(letter: DeadLetterRecord, expect: { revision: number }): Promise<UpdateOutcome> {
    return this.#table.replace(letter, expect)
  }

  async remove(id: string, { revision }: { revision: number }): Promise<UpdateOutcome> {
    const removed = this.#connection.run('delete from "deadLetters" where "id" = ? and "revision" = ?', [id, revision])
    return removed === 1 ? 'applied' : 'refused'
  }

  async list({ namespace, scene, ...query }: Parameters<DeadLetterStore['list']>[0]): Promise<Slice<DeadLetterHead>> {
    const [at, id] = decodeCursor(query.cursor, ['number', 'string']) ?? [Number.MAX_SAFE_INTEGER, '']
    const [ofScene, scenes] = scene === undefined ? ['', []] : ['"scene" = ? and ', [scene]]
    const rest = `where "namespace" = ? and ${ofScene}("at", "id") < (?, ?) order by "at" desc, "id" desc`
    const page = this.#table.page(this.#head, { rest, values: [namespace, ...scenes, at, id] }, query)
    return sliceOf(page, (last) => [last.at, last.id])
  }

  async removeOlder({ before, limit }: Parameters<DeadLetterStore['removeOlder']>[0]): Promise<number> {
    const sql = 'delete from "deadLetters" where "id" in (select "id" from "deadLetters" where "at" < ? order by "at", "id" limit ?)'
    return this.#connection.run(sql, [before, limit])
  }
}
