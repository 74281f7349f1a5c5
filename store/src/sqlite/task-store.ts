import { RUN_STATES } from '@carillon/contracts'
import { TASK_COLUMNS, TASK_HEAD_COLUMNS, TASK_RESULT_COLUMNS } from '../columns.ts'
import type { NamedTally, Tally, TaskListQuery, TaskQuery, TaskStore } from '../ports.ts'
import type { TaskHead, TaskRecord, TaskResultRecord } from '../records.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { SqliteLifeStore } from './life-store.ts'
import { Selection } from './table.ts'

export class SqliteTaskStore extends SqliteLifeStore<TaskRecord, TaskHead> implements TaskStore {
  readonly #result: Selection<TaskResultRecord>

  constructor(connection: Connection) {
    super(connection, 'tasks', { whole: TASK_COLUMNS, head: TASK_HEAD_COLUMNS })
    this.#result = new Selection<TaskResultRecord>('tasks', TASK_RESULT_COLUMNS, this.table.large)
  }

  async list(query: TaskListQuery): Promise<Slice<TaskHead>> {
    return this.#list(this.head, query)
  }

  async listWhole(query: TaskListQuery): Promise<Slice<TaskRecord>> {
    return this.#list(this.table.whole, query)
  }

  async results(query: TaskListQuery): Promise<Slice<TaskResultRecord>> {
    return this.#list(this.#result, query)
  }

  #list<Part extends Pick<TaskRecord, 'id'>>(selection: Selection<Part>, query: TaskListQuery): Slice<Part> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const { where, values } = conditionOf(query, query.state === undefined ? [] : [query.state])
    const page = this.table.page(selection, { rest: `${where} and "id" > ? order by "id"`, values: [...values, after] }, query)
    return sliceOf(page, (last) => [last.id])
  }

  async countUpTo(query: Parameters<TaskStore['countUpTo']>[0]): Promise<number> {
    const { where, values } = conditionOf(query, query.states)
    return this.connection.all(`select 1 from "tasks" ${where} limit ?`, [...values, query.atMost]).length
  }

  /** State by state: a group by would sort millions of rows. */
  async tally(query: TaskQuery): Promise<Tally[]> {
    return RUN_STATES.flatMap((state) => {
      const { where, values } = conditionOf(query, [state])
      const [row] = this.connection.all(`select count(*) as "all", coalesce(sum("mapped"), 0) as "mapped" from "tasks" ${where}`, values)
      const { all, mapped } = row as { all: number; mapped: number }
      const kinds = [
        { mapped: 0, state, count: all - mapped },
        { mapped: 1, state, count: mapped },
      ]
      return kinds.filter(({ count }) => count > 0)
    })
  }

  async names(runId: string): Promise<NamedTally[]> {
    const groups = 'select "name", "state", count(*) as "count" from "tasks" where "runId" = ? group by "name", "state"'
    return this.connection.all(groups, [runId]).map((row) => ({ ...row }) as unknown as NamedTally)
  }

  async leafAt({ rank, ...query }: Parameters<TaskStore['leafAt']>[0]): Promise<string | undefined> {
    const { where, values } = conditionOf({ ...query, isLeaf: true }, ['succeeded'])
    const [row] = this.connection.all(`select "id" from "tasks" ${where} order by "id" limit 1 offset ?`, [...values, rank])
    return row?.['id'] as string | undefined
  }

  async slowest({ runId, limit }: Parameters<TaskStore['slowest']>[0]): Promise<TaskHead[]> {
    return this.table.select(
      this.head,
      'where "runId" = ? and "startedAt" is not null and "endedAt" is not null order by "endedAt" - "startedAt" desc, "id" limit ?',
      [runId, limit],
    )
  }
}

function conditionOf({ runId, from, before, isLeaf }: TaskQuery, states: readonly string[]): { where: string; values: string[] } {
  const ids = [from === undefined ? '' : ' and "id" >= ?', before === undefined ? '' : ' and "id" < ?', isLeaf ? ' and "mapped" = 0' : '']
  const values = [from, before].filter((id) => id !== undefined)
  // Of any state: the ids of a run's tasks are its own with a hyphen, and what sorts before a dot.
  if (states.length === 0) return { where: `where "id" > ? and "id" < ?${ids.join('')}`, values: [`${runId}-`, `${runId}.`, ...values] }
  return {
    where: `where "runId" = ? and "state" in (${states.map(() => '?').join()})${ids.join('')}`,
    values: [runId, ...states, ...values],
  }
}
