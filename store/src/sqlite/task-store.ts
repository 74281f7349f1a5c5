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
    return this.#list(this.head, query, conditionOf(query, statesOf(query)))
  }

  async listWhole(query: TaskListQuery): Promise<Slice<TaskRecord>> {
    return this.#list(this.table.whole, query, conditionOf(query, statesOf(query)))
  }

  /** By the ids alone: most tasks of the range have succeeded, and the index of states would lead to each record one by one. */
  async results(query: TaskListQuery): Promise<Slice<TaskResultRecord>> {
    const { where, values } = conditionOf(query, [])
    const state = query.state === undefined ? {} : { where: `${where} and "state" = ?`, values: [...values, query.state] }
    return this.#list(this.#result, query, { where, values, ...state })
  }

  #list<Part extends Pick<TaskRecord, 'id'>>(selection: Selection<Part>, query: TaskListQuery, { where, values }: Condition): Slice<Part> {
    return sliceOf(this.table.page(selection, { rest: `${where} order by "id"`, values }, query), (last) => [last.id])
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

interface Condition {
  readonly where: string
  readonly values: string[]
}

const statesOf = ({ state }: TaskListQuery) => (state === undefined ? [] : [state])

function conditionOf({ isLeaf, ...query }: TaskQuery & { readonly cursor?: string | undefined }, states: readonly string[]): Condition {
  const ids = idsOf(query, states.length === 0)
  const leaf = isLeaf ? ' and "mapped" = 0' : ''
  if (states.length === 0) return { where: `where ${ids.conditions.join(' and ')}${leaf}`, values: ids.values }
  const conditions = ['"runId" = ?', `"state" in (${states.map(() => '?').join()})`, ...ids.conditions]
  return { where: `where ${conditions.join(' and ')}${leaf}`, values: [query.runId, ...states, ...ids.values] }
}

/**
 * A range of ids with one lower bound: SQLite begins at one of them, and of another one it would read all that is between.
 * @param isOnly nothing else distinguishes the run: the ids of its tasks are its own with a hyphen, and what sorts before a dot
 */
function idsOf(
  { runId, from = '', before, cursor }: TaskQuery & { readonly cursor?: string | undefined },
  isOnly: boolean,
): { conditions: string[]; values: string[] } {
  const [after] = decodeCursor(cursor, ['string']) ?? ['']
  const [first, last] = isOnly ? [`${runId}-`, `${runId}.`] : ['', undefined]
  const [conditions, values]: [string[], string[]] = [[], []]
  const lowest = [first, from, after].reduce((one, other) => (one > other ? one : other))
  if (lowest !== '') {
    conditions.push(lowest === after ? '"id" > ?' : '"id" >= ?')
    values.push(lowest)
  }
  const end = before === undefined || (last !== undefined && last < before) ? last : before
  if (end !== undefined) {
    conditions.push('"id" < ?')
    values.push(end)
  }
  return { conditions, values }
}
