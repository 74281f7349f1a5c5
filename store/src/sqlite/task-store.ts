import type { RunState } from '@carillon/contracts'
import { TASK_COLUMNS } from '../columns.ts'
import type { Slice, TaskStore } from '../ports.ts'
import type { TaskRecord } from '../records.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { SqliteLifeStore } from './life-store.ts'

export class SqliteTaskStore extends SqliteLifeStore<TaskRecord> implements TaskStore {
  constructor(connection: Connection) {
    super(connection, 'tasks', TASK_COLUMNS)
  }

  async list(query: Parameters<TaskStore['list']>[0]): Promise<Slice<TaskRecord>> {
    const [after] = decodeCursor(query.cursor, ['number']) ?? [-1]
    const inState = query.state === undefined ? '' : ' and "state" = ?'
    const values = query.state === undefined ? [query.runId] : [query.runId, query.state]
    const items = this.table.select(`where "runId" = ?${inState} and "index" > ? order by "index" limit ?`, [
      ...values,
      after,
      query.limit + 1,
    ])
    return sliceOf(items, query.limit, (last) => [last.index])
  }

  async slowest({ runId, limit }: Parameters<TaskStore['slowest']>[0]): Promise<TaskRecord[]> {
    return this.table.select(
      'where "runId" = ? and "startedAt" is not null and "endedAt" is not null order by "endedAt" - "startedAt" desc, "index" limit ?',
      [runId, limit],
    )
  }

  async count(runId: string): Promise<Partial<Record<RunState, number>>> {
    const rows = this.connection.all('select "state", count(*) as "count" from "tasks" where "runId" = ? group by "state"', [runId])
    return Object.fromEntries(rows.map((row) => [row['state'], row['count']]))
  }
}
