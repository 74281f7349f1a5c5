import { GATE_COLUMNS } from '../columns.ts'
import type { GateRecord } from '../gate-records.ts'
import type { Due, DueQuery, GateChange, GateStore, UpdateOutcome } from '../ports.ts'
import type { Connection } from './connection.ts'
import { dueOf } from './due.ts'
import { Table } from './table.ts'

const TAKE = `insert into "orders" ("id", "next") values (?, ?) on conflict do update set "next" = "next" + excluded."next" returning "next"`

export class SqliteGateStore implements GateStore {
  readonly #connection: Connection
  readonly #table: Table<GateRecord>

  constructor(connection: Connection) {
    this.#connection = connection
    this.#table = new Table<GateRecord>(connection, 'gates', GATE_COLUMNS)
  }

  async get(ids: readonly string[]): Promise<(GateRecord | undefined)[]> {
    return this.#table.get(this.#table.whole, ids)
  }

  async put(changes: readonly GateChange[]): Promise<UpdateOutcome[]> {
    const writes = changes.map(({ gate, expect }) => {
      if (expect !== null) return this.#table.replacement(gate, { revision: expect })
      const insert = this.#table.insertion(gate)
      return (): UpdateOutcome => (insert() === 'created' ? 'applied' : 'refused')
    })
    return this.#connection.transaction(() => writes.map((write) => write()))
  }

  async remove(gates: readonly { id: string; revision: number }[]): Promise<UpdateOutcome[]> {
    const statement = this.#connection.statement('delete from "gates" where "id" = ? and "revision" = ?')
    return this.#connection.transaction(() =>
      gates.map(({ id, revision }) => (statement.run(id, revision).changes === 1 ? 'applied' : 'refused')),
    )
  }

  async due(query: DueQuery): Promise<Due[]> {
    return dueOf(this.#connection, this.#table.name, query)
  }

  async takeOrder(id: string, count: number): Promise<number> {
    const [row] = this.#connection.addition(() => this.#connection.all(TAKE, [id, count]))
    return (row?.['next'] as number) - count
  }
}
