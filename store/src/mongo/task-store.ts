import type { RunState } from '@carillon/contracts'
import { TASK_COLUMNS } from '../columns.ts'
import type { Slice, TaskStore } from '../ports.ts'
import type { TaskRecord } from '../records.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { MongoDatabase } from './database.ts'
import { MongoLifeStore } from './life-store.ts'

export class MongoTaskStore extends MongoLifeStore<TaskRecord> implements TaskStore {
  constructor(database: MongoDatabase) {
    super(database, 'tasks', TASK_COLUMNS)
  }

  async list(query: Parameters<TaskStore['list']>[0]): Promise<Slice<TaskRecord>> {
    const [after] = decodeCursor(query.cursor, ['number']) ?? [-1]
    const filter = { runId: query.runId, ...(query.state === undefined ? {} : { state: query.state }), index: { $gt: after } }
    const items = await this.records.find(filter, { sort: { index: 1 }, limit: query.limit + 1 })
    return sliceOf(items, query.limit, (last) => [last.index])
  }

  async slowest({ runId, limit }: Parameters<TaskStore['slowest']>[0]): Promise<TaskRecord[]> {
    const found = await this.records.aggregate([
      { $match: { runId, startedAt: { $gte: 0 }, endedAt: { $gte: 0 } } },
      { $project: { index: 1, took: { $subtract: ['$endedAt', '$startedAt'] } } },
      { $sort: { took: -1, index: 1 } },
      { $limit: limit },
    ])
    const tasks = await this.get(found.map((one) => one['_id'] as string))
    return tasks.filter((task) => task !== undefined)
  }

  async count(runId: string): Promise<Partial<Record<RunState, number>>> {
    const groups = await this.records.aggregate([{ $match: { runId } }, { $group: { _id: '$state', count: { $sum: 1 } } }])
    return Object.fromEntries(groups.map((group) => [group['_id'], group['count']]))
  }
}
