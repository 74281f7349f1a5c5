import { COORDINATOR_COLUMNS } from '../columns.ts'
import type { CoordinatorStore } from '../ports.ts'
import type { CoordinatorRecord } from '../records.ts'
import type { Connection } from './connection.ts'
import { Table } from './table.ts'

export class SqliteCoordinatorStore implements CoordinatorStore {
  readonly #connection: Connection
  readonly #table: Table<CoordinatorRecord>

  constructor(connection: Connection) {
    this.#connection = connection
    this.#table = new Table<CoordinatorRecord>(connection, 'coordinators', COORDINATOR_COLUMNS)
  }

  async put(record: CoordinatorRecord): Promise<void> {
    this.#connection.run(`replace into "coordinators" (${this.#table.columns}) values (?, ?, ?)`, this.#table.encode(record).values)
  }

  async list(): Promise<CoordinatorRecord[]> {
    return this.#table.select(this.#table.whole, 'order by "id"', [])
  }

  async remove(id: string): Promise<void> {
    this.#connection.run('delete from "coordinators" where "id" = ?', [id])
  }
}
