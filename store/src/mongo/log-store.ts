import type { Document } from 'mongodb'
import { LOG_COLUMNS } from '../columns.ts'
import type { LogRecord } from '../log-records.ts'
import type { LogQuery, LogStore } from '../ports.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import { RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'
import { Selection } from './document.ts'

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

function logFilter(query: LogQuery): Document {
  const conditions: Document[] = []
  const position = decodeCursor(query.cursor, ['number', 'string', 'number', 'number'])
  if (query.taskId !== undefined) conditions.push({ taskId: query.taskId })
  if (query.levels !== undefined) conditions.push({ level: { $in: [...query.levels] } })
  if (query.text !== undefined) {
    const contains = { $regex: query.text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&') }
    conditions.push({ $or: [{ message: contains }, { fields: contains }] })
  }
  if (position !== undefined) conditions.push({ $or: beyond(position, query.order === 'oldest' ? '$gt' : '$lt') })
  return { namespace: query.namespace, runId: query.runId, ...(conditions.length > 0 ? { $and: conditions } : {}) }
}
