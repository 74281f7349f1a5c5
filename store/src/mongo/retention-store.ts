import { ENDED_STATES } from '@carillon/contracts'
import type { Collection, Document, Filter } from 'mongodb'
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
import { ANY_TIME } from './collection.ts'
import type { MongoDatabase } from './database.ts'
import type { StoredDocument } from './document.ts'

type Kind = 'runs' | 'tasks' | 'steps' | 'jobs'
interface Reading {
  readonly fields: readonly string[]
  readonly sort?: Record<string, 1 | -1>
  readonly skip?: number
  readonly limit?: number
}

const IS_TOMBSTONE = { forgetAt: ANY_TIME }
const IS_RUN = { createdAt: { $gt: TOMBSTONE_CREATED_AT } }
const UNSET: Document = Object.fromEntries([...REMOVED_FIELDS, 'writers'].map((field) => [field, '']))

/** Ids of a run's tasks begin with its id and a hyphen, those of steps with that or a dot: both sort before a slash. */
const childrenOf = (runId: string) => ({ _id: { $gt: `${runId}-`, $lt: `${runId}/` } })

/** Deletes by `_id`, a batch at a time, what was just found: a deletion that is repeated after a lost answer deletes nothing else. */
export class MongoRetentionStore implements RetentionStore {
  readonly #database: MongoDatabase

  constructor(database: MongoDatabase) {
    this.#database = database
  }

  async nextNamespace(after: string): Promise<string | undefined> {
    const filter = { namespace: { $gt: after } }
    const [found] = await this.#find('runs', filter, { fields: ['namespace'], sort: { namespace: 1 }, limit: 1 })
    return found?.['namespace'] as string | undefined
  }

  async runs({ namespace, job, createdBefore, cursor, limit }: AgedRunsQuery): Promise<Slice<AgedRun>> {
    const [at, id] = decodeCursor(cursor, ['number', 'string']) ?? [TOMBSTONE_CREATED_AT + 1, '']
    const filter = {
      namespace,
      ...(job === undefined ? {} : { job }),
      createdAt: { $gte: at, $lt: createdBefore },
      $or: [{ createdAt: { $gt: at } }, { _id: { $gt: id } }],
    }
    const found = await this.#find('runs', filter, { fields: AGED_RUN_FIELDS, sort: { createdAt: 1, _id: 1 }, limit: limit + 1 })
    return sliceOf(pageOf(found as unknown as AgedRun[], limit), (last) => [last.createdAt, last.id])
  }

  async newest({ namespace, job, rank }: Parameters<RetentionStore['newest']>[0]): Promise<RunPosition | undefined> {
    const order = { sort: { createdAt: -1, _id: -1 }, skip: rank - 1, limit: 1 } as const
    const [found] = await this.#find('runs', { namespace, job, ...IS_RUN }, { fields: ['id', 'createdAt'], ...order })
    return found as RunPosition | undefined
  }

  schedules(jobIds: readonly string[]): Promise<(JobPosition | undefined)[]> {
    return this.#get('jobs', jobIds, { fields: ['id', 'nextSlotAt'] })
  }

  async markRemoved({ ids, endedBefore, at }: Parameters<RetentionStore['markRemoved']>[0]): Promise<Tombstone[]> {
    if (ids.length === 0) return []
    const filter: Document = { _id: { $in: [...ids] }, state: { $in: [...ENDED_STATES] }, wakeAt: null, endedAt: { $lt: endedBefore } }
    const set = { state: TOMBSTONE_STATE, createdAt: TOMBSTONE_CREATED_AT, payload: '', removedAt: at, forgetAt: at }
    await this.#write('runs', (runs) => runs.updateMany(filter, { $set: set, $unset: UNSET }))
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
    const found = await this.#get<Record<string, unknown>>('runs', ids, { fields: TOMBSTONE_FIELDS, filter: IS_TOMBSTONE })
    return found.map((fields) => fields && tombstoneOf(fields))
  }

  async expired({ until, shares, limit }: Parameters<RetentionStore['expired']>[0]): Promise<Tombstone[]> {
    const owned = new Set(shares).size === SHARES ? {} : { share: { $in: [...shares] } }
    const order = { sort: { forgetAt: 1, _id: 1 }, limit } as const
    const found = await this.#find('runs', { forgetAt: { ...ANY_TIME, $lte: until }, ...owned }, { fields: TOMBSTONE_FIELDS, ...order })
    return found.map(tombstoneOf)
  }

  async remember({ ids, until }: Parameters<RetentionStore['remember']>[0]): Promise<void> {
    if (ids.length === 0) return
    const filter: Document = { _id: { $in: [...ids] }, ...IS_TOMBSTONE }
    await this.#write('runs', (runs) => runs.updateMany(filter, { $set: { forgetAt: until } }))
  }

  async forget(ids: readonly string[]): Promise<number> {
    return this.#removeByIds('runs', ids, IS_TOMBSTONE)
  }

  async orphans({ of, after, limit }: OrphansQuery): ReturnType<RetentionStore['orphans']> {
    const parents: string[] = []
    while (parents.length < limit) {
      const filter = { _id: { $gt: `${parents.at(-1) ?? after}/` } }
      const [child] = await this.#find(of, filter, { fields: ['id'], sort: { _id: 1 }, limit: 1 })
      if (child === undefined) break
      parents.push(parentOf(child['id'] as string))
    }
    const there = await this.#get('runs', parents, { fields: ['id'] })
    const runIds = parents.filter((_, i) => there[i] === undefined)
    const last = parents.at(-1)
    return last === undefined || parents.length < limit ? { runIds } : { runIds, after: last }
  }

  async #removeChildren(kind: 'tasks' | 'steps', { runIds, limit }: ChildrenQuery): Promise<number> {
    if (runIds.length === 0) return 0
    const found = await this.#find(kind, { $or: runIds.map(childrenOf) }, { fields: ['id'], limit })
    return this.#removeByIds(
      kind,
      found.map(({ id }) => id as string),
    )
  }

  async #countChildren(kind: 'tasks' | 'steps', runIds: readonly string[]): Promise<number> {
    if (runIds.length === 0) return 0
    const filter = { $or: runIds.map(childrenOf) }
    return this.#database.read((signal) => this.#database.collection(kind).countDocuments(filter, { signal }))
  }

  async #removeByIds(kind: Kind, ids: readonly string[], filter: Document = {}): Promise<number> {
    if (ids.length === 0) return 0
    const { deletedCount } = await this.#write(kind, (records) => records.deleteMany({ ...filter, _id: { $in: [...ids] } }))
    return deletedCount
  }

  #write<Result>(kind: Kind, work: (records: Collection<StoredDocument>) => Promise<Result>): Promise<Result> {
    return this.#database.write(() => work(this.#database.collection(kind)))
  }

  /** In the order of the ids. */
  async #get<Item>(kind: Kind, ids: readonly string[], reading: Reading & { filter?: Document }): Promise<(Item | undefined)[]> {
    if (ids.length === 0) return []
    const found = await this.#find(kind, { ...reading.filter, _id: { $in: [...ids] } }, reading)
    const byId = new Map(found.map((item) => [item['id'], item]))
    return ids.map((id) => byId.get(id) as Item | undefined)
  }

  async #find(kind: Kind, filter: Filter<StoredDocument>, { fields, sort, skip, limit }: Reading): Promise<Record<string, unknown>[]> {
    const projection = Object.fromEntries(fields.map((field) => [field === 'id' ? '_id' : field, 1]))
    const options = { projection, ...(sort ? { sort } : {}), ...(skip ? { skip } : {}), ...(limit ? { limit } : {}) }
    const documents = await this.#database.read((signal) =>
      this.#database
        .collection(kind)
        .find(filter, { ...options, signal })
        .toArray(),
    )
    return documents.map((document) => Object.fromEntries(fields.map((field) => [field, document[field === 'id' ? '_id' : field] ?? null])))
  }
}
