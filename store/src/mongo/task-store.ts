import { RUN_STATES } from '@carillon/contracts'
import type { Document } from 'mongodb'
import { TASK_COLUMNS, TASK_HEAD_COLUMNS, TASK_RESULT_COLUMNS } from '../columns.ts'
import type { NamedTally, Tally, TaskListQuery, TaskQuery, TaskStore } from '../ports.ts'
import type { TaskHead, TaskRecord, TaskResultRecord } from '../records.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Page } from './collection.ts'
import type { MongoDatabase } from './database.ts'
import { Selection } from './document.ts'
import { MongoLifeStore } from './life-store.ts'

const RESULT = new Selection<TaskResultRecord>(TASK_RESULT_COLUMNS)
const ID = new Selection<Pick<TaskRecord, 'id'>>({ id: 'text' })
const BY_ID = { _id: 1 } as const
/** Of a shorter page the search for its end costs more than it saves. */
const NEAR_FROM = 50

export class MongoTaskStore extends MongoLifeStore<TaskRecord, TaskHead> implements TaskStore {
  constructor(database: MongoDatabase) {
    super(database, 'tasks', { whole: TASK_COLUMNS, head: TASK_HEAD_COLUMNS })
  }

  async list(query: TaskListQuery): Promise<Slice<TaskHead>> {
    const page = await this.#page(query, (filter) => this.records.page(this.head, { filter, sort: BY_ID }, query))
    return sliceOf(page, (last) => [last.id])
  }

  async listWhole(query: TaskListQuery): Promise<Slice<TaskRecord>> {
    const page = await this.#page(query, (filter) => this.records.pageWithin(this.records.whole, { filter, sort: BY_ID }, query))
    return sliceOf(page, (last) => [last.id])
  }

  async results(query: TaskListQuery): Promise<Slice<TaskResultRecord>> {
    // Most tasks of the range have results: they are read in the order of their ids, without an index of states.
    const states = query.state === undefined ? {} : { state: query.state }
    const filter = { $and: [filterOf(query, []), afterCursor(query), states] }
    const page = await this.records.pageWithin(RESULT, { filter, sort: BY_ID }, query)
    return sliceOf(page, (last) => [last.id])
  }

  /** A page among the tasks that follow next, whatever their state, if they fill one; else among all. FerretDB sorts all that an index finds, for each page. */
  async #page<Item>(query: TaskListQuery, read: (filter: Document) => Promise<Page<Item>>): Promise<Page<Item>> {
    const filter = listFilter(query)
    const isInside = query.cursor !== undefined || query.from !== undefined
    if (query.state === undefined || !isInside || query.limit < NEAR_FROM) return read(filter)
    const next = { $and: [filterOf(query, []), afterCursor(query)] }
    const [end] = await this.records.find(ID, next, { sort: BY_ID, skip: 2 * query.limit, limit: 1 })
    if (end !== undefined) {
      const near = await read({ $and: [filter, { _id: { $lt: end.id } }] })
      if (near.isMore) return near
    }
    return read(filter)
  }

  async countUpTo(query: Parameters<TaskStore['countUpTo']>[0]): Promise<number> {
    const found = await this.records.aggregate([
      { $match: filterOf(query, query.states) },
      { $limit: query.atMost },
      { $project: { _id: 1 } },
    ])
    return found.length
  }

  async tally(query: TaskQuery): Promise<Tally[]> {
    const _id = { mapped: '$mapped', state: '$state' }
    const groups = await this.records.aggregate([{ $match: filterOf(query, RUN_STATES) }, { $group: { _id, count: { $sum: 1 } } }])
    return groups.map((group) => ({ ...group['_id'], count: group['count'] }))
  }

  async names(runId: string): Promise<NamedTally[]> {
    const _id = { name: '$name', state: '$state' }
    const groups = await this.records.aggregate([{ $match: { runId } }, { $group: { _id, count: { $sum: 1 } } }])
    return groups.map((group) => ({ name: group['_id'].name ?? null, state: group['_id'].state, count: group['count'] }))
  }

  async leafAt({ rank, ...query }: Parameters<TaskStore['leafAt']>[0]): Promise<string | undefined> {
    const found = await this.records.aggregate([
      // As for results: most tasks of the range are such leaves.
      { $match: { $and: [filterOf({ ...query, isLeaf: true }, []), { state: 'succeeded' }] } },
      { $sort: { _id: 1 } },
      { $skip: rank },
      { $limit: 1 },
      { $project: { _id: 1 } },
    ])
    return found[0]?.['_id'] as string | undefined
  }

  async slowest({ runId, limit }: Parameters<TaskStore['slowest']>[0]): Promise<TaskHead[]> {
    const found = await this.records.aggregate([
      { $match: { runId, startedAt: { $gte: 0 }, endedAt: { $gte: 0 } } },
      { $project: { took: { $subtract: ['$endedAt', '$startedAt'] } } },
      { $sort: { took: -1, _id: 1 } },
      { $limit: limit },
    ])
    const tasks = await this.heads(found.map((one) => one['_id'] as string))
    return tasks.filter((task) => task !== undefined)
  }
}

const listFilter = (query: TaskListQuery): Document => ({
  $and: [filterOf(query, query.state === undefined ? [] : [query.state]), afterCursor(query)],
})

function afterCursor({ cursor }: TaskListQuery): Document {
  const [after] = decodeCursor(cursor, ['string']) ?? ['']
  return { _id: { $gt: after } }
}

function filterOf({ runId, from, before, isLeaf }: TaskQuery, states: readonly string[]): Document {
  const parts: Document[] = [
    ...(from === undefined ? [] : [{ _id: { $gte: from } }]),
    ...(before === undefined ? [] : [{ _id: { $lt: before } }]),
  ]
  if (isLeaf) parts.push({ mapped: 0 })
  // Of any state: the ids of a run's tasks are its own with a hyphen, and what sorts before a dot.
  if (states.length === 0) parts.push({ _id: { $gt: `${runId}-`, $lt: `${runId}.` } })
  else parts.push({ runId, state: states.length === 1 ? states[0] : { $in: [...states] } })
  return { $and: parts }
}
