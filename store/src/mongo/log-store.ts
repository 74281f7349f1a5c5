import type { Document } from 'mongodb'
import { LOG_COLUMNS } from '../columns.ts'
import type { LogRecord } from '../log-records.ts'
import type { LogStore } from '../ports.ts'
import type { LogQuery, LogSearchQuery, LogSlice } from '../search-port.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, encodeCursor, READ_PER_PAGE, sliceOf } from '../slice.ts'
import { RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'
import { Selection } from './document.ts'
import { exactly, exactlyAmongCodes } from './text-pattern.ts'

const OLDEST_FIRST = { at: 1, taskId: 1, attempt: 1, seq: 1 } as const
const NEWEST_FIRST = { at: -1, taskId: -1, attempt: -1, seq: -1 } as const
type LinePosition = Pick<LogRecord, 'namespace' | 'runId' | 'taskId' | 'attempt' | 'seq' | 'at'>
const POSITION = new Selection<LinePosition>({
  namespace: 'text',
  runId: 'text',
  taskId: 'text',
  attempt: 'number',
  seq: 'number',
  at: 'number',
})
type Position = readonly [at: number, taskId: string, attempt: number, seq: number]

export class MongoLogStore implements LogStore {
  readonly #records: RecordCollection<LogRecord>

  constructor(database: MongoDatabase) {
    this.#records = new RecordCollection<LogRecord>(database, { name: 'logs', columns: LOG_COLUMNS, idOf: lineId })
  }

  async insert(lines: readonly LogRecord[]): Promise<void> {
    await this.#records.insert(lines)
  }

  async query(query: LogQuery): Promise<Slice<LogRecord>> {
    const sort = query.order === 'oldest' ? OLDEST_FIRST : NEWEST_FIRST
    return sliceOf(await this.#records.pageWithin(this.#records.whole, { filter: logFilter(query), sort }, query), (last) => [
      ...positionOf(last),
    ])
  }

  /** What was written within the same millisecond comes in the order of its ids. */
  async search(query: LogSearchQuery): Promise<LogSlice> {
    const sort = { at: -1, _id: -1 } as const
    const { scanned, tested } = searchFilter(query)
    const isAlarming = query.levels?.every((level) => level === 'warn' || level === 'error') === true
    const all = isAlarming ? { namespace: query.namespace, level: { $in: [...(query.levels ?? [])] } } : {}
    const isTested = !isAlarming || tested.length > 0
    const skip = { sort, skip: READ_PER_PAGE - 1, limit: 1 }
    const [end] = isTested ? await this.#records.find(POSITION, { ...all, $and: scanned }, skip) : []
    const bounded = end
      ? [...scanned, { at: { $gte: end.at } }, { $or: [{ at: { $gt: end.at } }, { _id: { $gte: lineId(end) } }] }]
      : scanned
    // So that no engine finds the lines by their namespace, out of the order.
    const found = isAlarming
      ? all
      : { $nor: [{ namespace: { $ne: query.namespace } }], ...(query.levels ? { level: { $in: [...query.levels] } } : {}) }
    const { items, isMore } = await this.#records.pageWithin(
      this.#records.whole,
      { filter: { ...found, $and: [...bounded, ...tested] }, sort },
      query,
    )
    const last = isMore ? items.at(-1) : end
    return last === undefined ? { items } : { items, cursor: encodeCursor([last.at, lineId(last)]), reached: last.at }
  }

  async removeOlder({ before, limit }: { before: number; limit: number }): Promise<number> {
    const lines = await this.#records.find(POSITION, { at: { $lt: before } }, { sort: { at: 1 }, limit })
    return lines.length === 0 ? 0 : this.#records.remove({ _id: { $in: lines.map(lineId) } })
  }

  async trim({ namespace, runId, keep, limit }: Parameters<LogStore['trim']>[0]): Promise<number> {
    const [last] = await this.#records.find(POSITION, { namespace, runId }, { sort: NEWEST_FIRST, skip: keep, limit: 1 })
    if (last === undefined) return 0
    const beyondKept = { namespace, runId, $or: [...beyond(positionOf(last), '$lt'), { _id: lineId(last) }] }
    const lines = await this.#records.find(POSITION, beyondKept, { sort: OLDEST_FIRST, limit })
    return this.#records.remove({ _id: { $in: lines.map(lineId) } })
  }
}

/** What a line is known by; none of these may contain a slash. */
const lineId = (line: LinePosition) => `${line.namespace}/${line.runId}/${line.taskId}/${line.attempt}/${line.seq}`
const positionOf = (line: LinePosition): Position => [line.at, line.taskId, line.attempt, line.seq]

/** Everything on one side of a position, in the order of lines. */
function beyond([at, taskId, attempt, seq]: Position, side: '$gt' | '$lt'): Document[] {
  return [
    { at: { [side]: at } },
    { at, taskId: { [side]: taskId } },
    { at, taskId, attempt: { [side]: attempt } },
    { at, taskId, attempt, seq: { [side]: seq } },
  ]
}

/** What decides where a search is, and what each line has to be beside its level. */
function searchFilter({ since = 0, until, instance, text, cursor }: LogSearchQuery): { scanned: Document[]; tested: Document[] } {
  const position = decodeCursor(cursor, ['number', 'string'])
  const before = position ? { $lte: position[0] } : until === undefined ? {} : { $lt: until }
  const scanned: Document[] = [{ at: { $gte: since, ...before } }]
  if (position) scanned.push({ $or: [{ at: { $lt: position[0] } }, { _id: { $lt: position[1] } }] })
  return { scanned, tested: [...(instance === undefined ? [] : [{ instance }]), ...(text === undefined ? [] : [containing(text)])] }
}

function containing(text: string): Document {
  const contains = { $regex: exactly(text) }
  const coloured = { $and: [{ message: { $regex: '\\x1b' } }, { message: { $regex: exactlyAmongCodes(text) } }] }
  return { $or: [{ message: contains }, coloured, { fields: contains }] }
}

function logFilter(query: LogQuery): Document {
  const conditions: Document[] = []
  const position = decodeCursor(query.cursor, ['number', 'string', 'number', 'number'])
  if (query.taskId !== undefined) conditions.push({ taskId: query.taskId })
  if (query.levels !== undefined) conditions.push({ level: { $in: [...query.levels] } })
  if (query.instance !== undefined) conditions.push({ instance: query.instance })
  if (query.since !== undefined) conditions.push({ at: { $gte: query.since } })
  if (query.until !== undefined) conditions.push({ at: { $lt: query.until } })
  if (query.text !== undefined) conditions.push(containing(query.text))
  if (position !== undefined) conditions.push({ $or: beyond(position, query.order === 'oldest' ? '$gt' : '$lt') })
  return { namespace: query.namespace, runId: query.runId, ...(conditions.length > 0 ? { $and: conditions } : {}) }
}
