import { CALENDAR_COLUMNS, CALENDAR_HEAD_COLUMNS } from '../columns.ts'
import type { CalendarHead, CalendarRecord } from '../job-records.ts'
import type { CalendarStore, InsertOutcome, UpdateOutcome } from '../ports.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import { RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'
import { Selection } from './document.ts'

const HEAD = new Selection<CalendarHead>(CALENDAR_HEAD_COLUMNS)

export class MongoCalendarStore implements CalendarStore {
  readonly #records: RecordCollection<CalendarRecord>

  constructor(database: MongoDatabase) {
    this.#records = new RecordCollection<CalendarRecord>(database, { name: 'calendars', columns: CALENDAR_COLUMNS })
  }

  async insert(calendar: CalendarRecord): Promise<InsertOutcome> {
    return (await this.#records.insert([calendar]))[0]!
  }

  async get(ids: readonly string[]): Promise<(CalendarRecord | undefined)[]> {
    return this.#records.get(this.#records.whole, ids)
  }

  async replace(calendar: CalendarRecord, expect: { revision: number }): Promise<UpdateOutcome> {
    return (await this.#records.update([{ id: calendar.id, filter: expect, set: calendar }]))[0]!
  }

  async remove(id: string, { revision }: { revision: number }): Promise<UpdateOutcome> {
    return (await this.#records.remove({ _id: id, revision })) === 1 ? 'applied' : 'refused'
  }

  async list(query: Parameters<CalendarStore['list']>[0]): Promise<Slice<CalendarHead>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const filter = { namespace: query.namespace, name: { $gt: after } }
    const page = await this.#records.page(HEAD, { filter, sort: { name: 1 } }, query)
    return sliceOf(page, (last) => [last.name])
  }
}
