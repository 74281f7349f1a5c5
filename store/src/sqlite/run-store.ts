import type { RunState } from '@carillon/contracts'
import { RUN_COLUMNS, RUN_HEAD_COLUMNS, type StoredValue } from '../columns.ts'
import type { RunStore, Slice } from '../ports.ts'
import type { RunHead, RunRecord } from '../records.ts'
import { TOMBSTONE_CREATED_AT, unlessTombstone } from '../retention-port.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { SqliteLifeStore } from './life-store.ts'

export class SqliteRunStore extends SqliteLifeStore<RunRecord, RunHead> implements RunStore {
  constructor(connection: Connection) {
    super(connection, 'runs', { whole: RUN_COLUMNS, head: RUN_HEAD_COLUMNS })
  }

  override async get(ids: readonly string[], maxBytes?: number): Promise<(RunRecord | undefined)[]> {
    return (await super.get(ids, maxBytes)).map(unlessTombstone)
  }

  override async heads(ids: readonly string[]): Promise<(RunHead | undefined)[]> {
    return (await super.heads(ids)).map(unlessTombstone)
  }

  async list(query: Parameters<RunStore['list']>[0]): Promise<Slice<RunHead>> {
    const conditions = ['"namespace" = ?', `"createdAt" > ${TOMBSTONE_CREATED_AT}`]
    const values: StoredValue[] = [query.namespace]
    const position = decodeCursor(query.cursor, ['number', 'string'])
    if (query.job !== undefined) {
      conditions.push('"job" = ?')
      values.push(query.job)
    }
    if (query.state !== undefined) {
      conditions.push(stateCondition(query.state, query.job !== undefined))
      values.push(query.state)
    }
    if (position !== undefined) {
      conditions.push('("createdAt", "id") < (?, ?)')
      values.push(...position)
    }
    const rest = `where ${conditions.join(' and ')} order by "createdAt" desc, "id" desc`
    return sliceOf(this.table.page(this.head, { rest, values }, query), (last) => [last.createdAt, last.id])
  }
}

/**
 * The further comparisons say nothing new; they let SQLite use the partial indexes. The plus keeps it from walking everything that is queued to
 * find the runs of one job.
 */
function stateCondition(state: RunState, isOfJob: boolean): string {
  if (state === 'succeeded') return '"state" = ?'
  if (state === 'queued') return isOfJob ? '+"state" = ?' : `"state" = ? and "state" <> 'succeeded'`
  return `"state" = ? and "state" <> 'succeeded' and "state" <> 'queued'`
}
