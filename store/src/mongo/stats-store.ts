import type { Document, Sort } from 'mongodb'
import { OPEN_RUN_COLUMNS, OPEN_TASK_COLUMNS, ROLLUP_COLUMNS, RUN_COLUMNS, TASK_COLUMNS } from '../columns.ts'
import type { RollupChange, StatsStore, UpdateOutcome } from '../ports.ts'
import type { RunRecord, TaskRecord } from '../records.ts'
import { type OpenRun, type OpenTask, type RollupRecord, type RollupSum, rollupId } from '../stats-records.ts'
import { ANY_TIME, RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'
import { Selection } from './document.ts'

const ID = new Selection<{ id: string }>({ id: 'text' })
const RUN = new Selection<OpenRun>(OPEN_RUN_COLUMNS)
const TASK = new Selection<OpenTask>(OPEN_TASK_COLUMNS)

/** Each is the condition of a partial index. */
const OPEN: Readonly<Record<'queued' | 'due' | 'waiting' | 'paused', readonly [filter: Document, sort: Sort]>> = {
  queued: [{ queuedAt: ANY_TIME }, { queuedAt: 1, _id: 1 }],
  due: [{ wakeAt: ANY_TIME }, { wakeAt: 1, _id: 1 }],
  waiting: [
    { state: 'waiting', gate: { $gt: '' } },
    { gate: 1, gateKey: 1, gateOrder: 1, _id: 1 },
  ],
  paused: [{ state: 'paused' }, { _id: 1 }],
}

export class MongoStatsStore implements StatsStore {
  readonly #records: RecordCollection<RollupRecord>
  readonly #runs: RecordCollection<RunRecord>
  readonly #tasks: RecordCollection<TaskRecord>

  constructor(database: MongoDatabase) {
    this.#records = new RecordCollection<RollupRecord>(database, { name: 'rollups', columns: ROLLUP_COLUMNS })
    this.#runs = new RecordCollection<RunRecord>(database, { name: 'runs', columns: RUN_COLUMNS })
    this.#tasks = new RecordCollection<TaskRecord>(database, { name: 'tasks', columns: TASK_COLUMNS })
  }

  async get(ids: readonly string[]): Promise<(RollupRecord | undefined)[]> {
    return this.#records.get(this.#records.whole, ids)
  }

  async put(changes: readonly RollupChange[]): Promise<UpdateOutcome[]> {
    const [fresh, known] = [changes.filter(({ expect }) => expect === null), changes.filter(({ expect }) => expect !== null)]
    const [inserted, updated] = await Promise.all([
      this.#records.insert(fresh.map(({ rollup }) => rollup)),
      this.#records.update(known.map(({ rollup, expect }) => ({ id: rollup.id, filter: { revision: expect }, set: rollup }))),
    ])
    const outcomes = new Map<RollupChange, UpdateOutcome>()
    for (const [i, change] of fresh.entries()) outcomes.set(change, inserted[i] === 'created' ? 'applied' : 'refused')
    for (const [i, change] of known.entries()) outcomes.set(change, updated[i] as UpdateOutcome)
    return changes.map((change) => outcomes.get(change) as UpdateOutcome)
  }

  async series({ from, before, ...of }: Parameters<StatsStore['series']>[0]): Promise<RollupRecord[]> {
    const [first, end] = [from, before].map((start) => rollupId({ ...of, start }))
    return this.#records.find(this.#records.whole, { _id: { $gte: first, $lt: end } }, { sort: { _id: 1 } })
  }

  async sums({ namespace, level, from, before, limit }: Parameters<StatsStore['sums']>[0]): Promise<RollupSum[]> {
    const groups = await this.#records.aggregate([
      { $match: { level, start: { $gte: from, $lt: before }, namespace, scope: { $ne: '*' } } },
      {
        $group: {
          _id: '$scope',
          ended: { $sum: '$ended' },
          failed: { $sum: '$failed' },
          runCount: { $sum: '$runCount' },
          runSumMs: { $sum: '$runSumMs' },
          runMaxMs: { $max: '$runMaxMs' },
        },
      },
      { $sort: { failed: -1, ended: -1, _id: 1 } },
      { $limit: limit },
    ])
    return groups.map(({ _id, ...sum }) => ({ scope: _id, ...sum }) as RollupSum)
  }

  async removeOlder({ level, before, limit }: Parameters<StatsStore['removeOlder']>[0]): Promise<number> {
    const old = await this.#records.find(ID, { level, start: { $lt: before } }, { sort: { level: 1, start: 1 }, limit })
    return old.length === 0 ? 0 : this.#records.remove({ _id: { $in: old.map(({ id }) => id) } })
  }

  async openRuns({ by, limit }: Parameters<StatsStore['openRuns']>[0]): Promise<OpenRun[]> {
    const [filter, sort] = OPEN[by]
    return this.#runs.find(RUN, filter, { sort, limit })
  }

  async openTasks({ by, limit }: Parameters<StatsStore['openTasks']>[0]): Promise<OpenTask[]> {
    const [filter, sort] = OPEN[by]
    return this.#tasks.find(TASK, filter, { sort, limit })
  }
}
