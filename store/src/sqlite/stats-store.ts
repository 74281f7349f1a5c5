import { OPEN_RUN_COLUMNS, OPEN_TASK_COLUMNS, ROLLUP_COLUMNS } from '../columns.ts'
import type { RollupChange, StatsStore, UpdateOutcome } from '../ports.ts'
import { type OpenRun, type OpenTask, type RollupRecord, type RollupSum, rollupId } from '../stats-records.ts'
import type { Connection } from './connection.ts'
import { LargeTexts } from './large-texts.ts'
import { Selection, Table } from './table.ts'

/** Each is the condition of a partial index. */
const OPEN = {
  queued: `where "queuedAt" is not null order by "queuedAt", "id"`,
  due: `where "wakeAt" is not null order by "wakeAt", "id"`,
  waiting: `where "gate" is not null and "state" = 'waiting' order by "gate", "gateKey", "gateOrder", "id"`,
  paused: `where "state" = 'paused' order by "id"`,
} as const

const SUMS = `select "scope", sum("ended") as "ended", sum("failed") as "failed", sum("runCount") as "runCount", sum("runSumMs") as "runSumMs",
  max("runMaxMs") as "runMaxMs" from "rollups" where "level" = ? and "start" >= ? and "start" < ? and "namespace" = ? and "scope" <> '*'
  group by "scope" order by "failed" desc, "ended" desc, "scope" limit ?`

export class SqliteStatsStore implements StatsStore {
  readonly #connection: Connection
  readonly #table: Table<RollupRecord>
  readonly #run: Selection<OpenRun>
  readonly #task: Selection<OpenTask>

  constructor(connection: Connection) {
    this.#connection = connection
    this.#table = new Table<RollupRecord>(connection, 'rollups', ROLLUP_COLUMNS)
    this.#run = new Selection<OpenRun>('runs', OPEN_RUN_COLUMNS, new LargeTexts(connection, 'runs'))
    this.#task = new Selection<OpenTask>('tasks', OPEN_TASK_COLUMNS, new LargeTexts(connection, 'tasks'))
  }

  async get(ids: readonly string[]): Promise<(RollupRecord | undefined)[]> {
    return this.#table.get(this.#table.whole, ids)
  }

  async put(changes: readonly RollupChange[]): Promise<UpdateOutcome[]> {
    const writes = changes.map(({ rollup, expect }) => {
      if (expect !== null) return this.#table.replacement(rollup, { revision: expect })
      const insert = this.#table.insertion(rollup)
      return (): UpdateOutcome => (insert() === 'created' ? 'applied' : 'refused')
    })
    return this.#connection.transaction(() => writes.map((write) => write()))
  }

  async series({ from, before, ...of }: Parameters<StatsStore['series']>[0]): Promise<RollupRecord[]> {
    const ids = [from, before].map((start) => rollupId({ ...of, start }))
    return this.#table.select(this.#table.whole, 'where "id" >= ? and "id" < ? order by "id"', ids)
  }

  async sums({ namespace, level, from, before, limit }: Parameters<StatsStore['sums']>[0]): Promise<RollupSum[]> {
    return this.#connection.all(SUMS, [level, from, before, namespace, limit]).map((row) => ({ ...row }) as unknown as RollupSum)
  }

  async removeOlder({ level, before, limit }: Parameters<StatsStore['removeOlder']>[0]): Promise<number> {
    const sql =
      'delete from "rollups" where "id" in (select "id" from "rollups" where "level" = ? and "start" < ? order by "start" limit ?)'
    return this.#connection.run(sql, [level, before, limit])
  }

  async openRuns({ by, limit }: Parameters<StatsStore['openRuns']>[0]): Promise<OpenRun[]> {
    return this.#connection.values(this.#run.sql(`${OPEN[by]} limit ?`), [limit]).map(this.#run.decode)
  }

  async openTasks({ by, limit }: Parameters<StatsStore['openTasks']>[0]): Promise<OpenTask[]> {
    return this.#connection.values(this.#task.sql(`${OPEN[by]} limit ?`), [limit]).map(this.#task.decode)
  }
}
