import { ENDED_STATES } from '@carillon/contracts'
import type { StoredValue } from '../columns.ts'
import {
  AGED_RUN_FIELDS,
  type AgedRun,
  type AgedRunsQuery,
  type ChildrenQuery,
  type JobPosition,
  type OrphansQuery,
  parentOf,
  REMOVED_FIELDS,
  type RetentionStore,
  type RunPosition,
  TOMBSTONE_CREATED_AT,
  TOMBSTONE_FIELDS,
  TOMBSTONE_STATE,
  type Tombstone,
  tombstoneOf,
} from '../retention-port.ts'
import { SHARES } from '../shares.ts'
import type { Slice } from '../slice.ts'
import { decodeCursor, pageOf, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'

const quoted = (fields: readonly string[]) => fields.map((field) => `"${field}"`).join(', ')
const IS_ENDED = ENDED_STATES.map((state) => `"state" = '${state}'`).join(' or ')
const MARK = `update "runs" set "state" = '${TOMBSTONE_STATE}', "createdAt" = ${TOMBSTONE_CREATED_AT}, "payload" = '', "removedAt" = ?, "forgetAt" = ?,
  ${REMOVED_FIELDS.map((field) => `"${field}" = null`).join(', ')}
  where "id" = ? and (${IS_ENDED}) and "wakeAt" is null and "endedAt" < ?`
const REMEMBER = 'update "runs" set "forgetAt" = ? where "id" = ? and "forgetAt" is not null'
const FORGET = 'delete from "runs" where "id" = ? and "forgetAt" is not null'
const TOMBSTONE = `select ${quoted(TOMBSTONE_FIELDS)} from "runs" where "id" = ? and "forgetAt" is not null`

/** Ids of a run's tasks begin with its id and a hyphen, those of steps with that or a dot: both sort before a slash. */
const CHILDREN = '"id" > ? and "id" < ?'
const childrenOf = (runId: string) => [`${runId}-`, `${runId}/`]

export class SqliteRetentionStore implements RetentionStore {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async nextNamespace(after: string): Promise<string | undefined> {
    const [row] = this.#connection.all('select "namespace" from "runs" where "namespace" > ? order by "namespace" limit 1', [after])
    return row?.['namespace'] as string | undefined
  }

  async runs({ namespace, job, createdBefore, cursor, limit }: AgedRunsQuery): Promise<Slice<AgedRun>> {
    const [at, id] = decodeCursor(cursor, ['number', 'string']) ?? [TOMBSTONE_CREATED_AT + 1, '']
    const [ofJob, jobs] = job === undefined ? ['', []] : ['and "job" = ?', [job]]
    const items = this.#connection.all(
      `select ${quoted(AGED_RUN_FIELDS)} from "runs" where "namespace" = ? ${ofJob} and ("createdAt", "id") > (?, ?) and "createdAt" < ?
        order by "createdAt", "id" limit ?`,
      [namespace, ...jobs, at, id, createdBefore, limit + 1],
    ) as unknown as AgedRun[]
    return sliceOf(pageOf(items, limit), (last) => [last.createdAt, last.id])
  }

  async newest({ namespace, job, rank }: Parameters<RetentionStore['newest']>[0]): Promise<RunPosition | undefined> {
    const [row] = this.#connection.all(
      `select "createdAt", "id" from "runs" where "namespace" = ? and "job" = ? and "createdAt" > ${TOMBSTONE_CREATED_AT}
        order by "createdAt" desc, "id" desc limit 1 offset ?`,
      [namespace, job, rank - 1],
    )
    return row as RunPosition | undefined
  }

  async schedules(jobIds: readonly string[]): Promise<(JobPosition | undefined)[]> {
    const read = (id: string) => this.#connection.all('select "id", "nextSlotAt" from "jobs" where "id" = ?', [id])[0]
    return jobIds.map((id) => read(id) as JobPosition | undefined)
  }

  async markRemoved({ ids, endedBefore, at }: Parameters<RetentionStore['markRemoved']>[0]): Promise<Tombstone[]> {
    const statement = this.#connection.statement(MARK)
    const texts = this.#connection.statement('delete from "runs_large" where "record" = ?')
    this.#connection.transaction(() => {
      for (const id of ids) if (statement.run(at, at, id, endedBefore).changes === 1) texts.run(id)
    })
    return (await this.tombstones(ids)).filter((tombstone) => tombstone !== undefined)
  }

  removeTasks(query: ChildrenQuery): Promise<number> {
    return this.#removeChildren('tasks', query)
  }

  removeSteps(query: ChildrenQuery): Promise<number> {
    return this.#removeChildren('steps', query)
  }

  countTasks(runIds: readonly string[]): Promise<number> {
    return this.#countChildren('tasks', runIds)
  }

  countSteps(runIds: readonly string[]): Promise<number> {
    return this.#countChildren('steps', runIds)
  }

  async tombstones(ids: readonly string[]): Promise<(Tombstone | undefined)[]> {
    return ids.map((id) => this.#connection.all(TOMBSTONE, [id]).map(tombstoneOf)[0])
  }

  async expired({ until, shares, limit }: Parameters<RetentionStore['expired']>[0]): Promise<Tombstone[]> {
    const all = new Set(shares).size === SHARES
    const owned = all ? '' : 'and "share" in (select "value" from json_each(?))'
    const rows = this.#connection.all(
      `select ${quoted(TOMBSTONE_FIELDS)} from "runs" where "forgetAt" is not null and "forgetAt" <= ? ${owned} order by "forgetAt", "id" limit ?`,
      all ? [until, limit] : [until, JSON.stringify(shares), limit],
    )
    return rows.map(tombstoneOf)
  }

  async remember({ ids, until }: Parameters<RetentionStore['remember']>[0]): Promise<void> {
    const statement = this.#connection.statement(REMEMBER)
    this.#connection.transaction(() => {
      for (const id of ids) statement.run(until, id)
    })
  }

  async forget(ids: readonly string[]): Promise<number> {
    const statement = this.#connection.statement(FORGET)
    return this.#connection.transaction(() => ids.reduce((sum, id) => sum + Number(statement.run(id).changes), 0))
  }

  async orphans({ of, after, limit }: OrphansQuery): ReturnType<RetentionStore['orphans']> {
    const runIds: string[] = []
    let last = after
    for (let i = 0; i < limit; i++) {
      const [child] = this.#connection.all(`select "id" from "${of}" where "id" > ? order by "id" limit 1`, [`${last}/`])
      if (child === undefined) return { runIds }
      last = parentOf(child['id'] as string)
      if (this.#connection.all('select 1 from "runs" where "id" = ?', [last]).length === 0) runIds.push(last)
    }
    return { runIds, after: last }
  }

  async #removeChildren(table: 'tasks' | 'steps', { runIds, limit }: ChildrenQuery): Promise<number> {
    // Most runs have neither tasks nor steps: a query costs a tenth of a deletion that finds nothing.
    const some = this.#connection.statement(`select 1 from "${table}" where ${CHILDREN} limit 1`)
    const parents = runIds.filter((runId) => this.#connection.guard(() => some.get(...childrenOf(runId))) !== undefined)
    if (parents.length === 0) return 0
    const statement = this.#connection.statement(
      `delete from "${table}" where "id" in (select "id" from "${table}" where ${CHILDREN} order by "id" limit ?)`,
    )
    return this.#connection.transaction(() => {
      let removed = 0
      for (const runId of parents) {
        if (removed >= limit) break
        removed += Number(statement.run(...childrenOf(runId), limit - removed).changes)
      }
      return removed
    })
  }

  async #countChildren(table: 'tasks' | 'steps', runIds: readonly string[]): Promise<number> {
    const count = (values: StoredValue[]) => this.#connection.all(`select count(*) as "count" from "${table}" where ${CHILDREN}`, values)
    return runIds.reduce((sum, runId) => sum + (count(childrenOf(runId))[0]?.['count'] as number), 0)
  }
}
