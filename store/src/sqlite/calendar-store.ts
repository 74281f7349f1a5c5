import { CALENDAR_COLUMNS, CALENDAR_HEAD_COLUMNS } from '../columns.ts'
import type { CalendarHead, CalendarRecord } from '../job-records.ts'
import type { CalendarStore, InsertOutcome, UpdateOutcome } from '../ports.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { Selection, Table } from './table.ts'

export class SqliteCalendarStore implements CalendarStore {
  readonly #connection: Connection
  readonly #table: Table<CalendarRecord>
  readonly #head: Selection<CalendarHead>

  constructor(connection: Connection) {
    this.#connection = connection
    this.#table = new Table<CalendarRecord>(connection, 'calendars', CALENDAR_COLUMNS)
    this.#head = new Selection<CalendarHead>('calendars', CALENDAR_HEAD_COLUMNS, this.#table.large)
  }

  async insert(calendar: CalendarRecord): Promise<InsertOutcome> {
    return this.#table.insert([calendar])[0]!
  }

  async get(ids: readonly string[]): Promise<(CalendarRecord | undefined)[]> {
    return this.#table.get(this.#table.whole, ids)
  }

  async replace(calendar: CalendarRecord, expect: { revision: number }): Promise<UpdateOutcome> {
    return this.#table.replace(calendar, expect)
  }

  async remove(id: string, { revision }: { revision: number }): Promise<UpdateOutcome> {
    return this.#connection.run('delete from "calendars" where "id" = ? and "revision" = ?', [id, revision]) === 1 ? 'applied' : 'refused'
  }

  async list(query: Parameters<CalendarStore['list']>[0]): Promise<Slice<CalendarHead>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const rest = 'where "namespace" = ? and "name" > ? order by "name"'
    return sliceOf(this.#table.page(this.#head, { rest, values: [query.namespace, after] }, query), (last) => [last.name])
  }
}
