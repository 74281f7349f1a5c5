import { CarillonError, type ErrorBody } from '@carillon/contracts'
import type { ClaimQuery, OutboxRow, OutboxTable } from './outbox-table.ts'

/** What is used of a collection of the driver `mongodb`, so that any version of it that has these fits. */
export interface MongoCollection {
  insertOne(document: object, options: { session: never }): Promise<unknown>
  find(filter: object, options: object): { toArray(): Promise<object[]> }
  updateMany(filter: object, update: object): Promise<unknown>
  updateOne(filter: object, update: object): Promise<unknown>
  deleteMany(filter: object): Promise<unknown>
  createIndex(keys: object, options: object): Promise<unknown>
}

/** A database of the driver `mongodb`: `client.db('shop')`. */
export interface MongoDatabase {
  readonly databaseName: string
  collection(name: string): unknown
}

/** A session of the driver `mongodb` in whose transaction a start is written. */
export interface MongoSession {
  inTransaction(): boolean
}

/** A start as a document: one that a program inserts by itself, in whatever way, is as good as one that the SDK inserts. */
export interface OutboxDocument {
  /** The key of the run. */
  readonly _id: string
  readonly namespace: string
  /** JSON text: a start of the wire without key, id and `requestedAt`. */
  readonly request: string
  readonly requestedAt: Date
  /** Since when it may be claimed. */
  readonly claimableAt: Date
}

/** After every lease. */
const NEVER = new Date(8_640_000_000_000_000)

export class MongoOutbox implements OutboxTable {
  readonly place: string
  readonly #collection: MongoCollection
  readonly #now: () => number

  constructor(database: MongoDatabase, { name, now }: { name: string; now: () => number }) {
    this.place = `collection ${name} of MongoDB database ${database.databaseName}`
    this.#collection = collectionOf(database, name)
    this.#now = now
  }

  /** An index makes its collection, too: a transaction of an old server cannot. */
  async prepare(): Promise<void> {
    await this.#collection.createIndex({ namespace: 1, claimableAt: 1, requestedAt: 1 }, { name: 'claimable' })
  }

  /** MongoDB claims one document at a time, or all that match: candidates are read, those that are still free are marked, and what bears the mark is this claim's. */
  async claim({ namespace, claim, limit, leaseMs }: ClaimQuery): Promise<readonly OutboxRow[]> {
    const now = new Date(this.#now())
    const free = { namespace, claimableAt: { $lte: now } }
    const options = { sort: { claimableAt: 1, requestedAt: 1 }, limit, projection: { _id: 1 } }
    const candidates = (await this.#collection.find(free, options).toArray()) as { _id: unknown }[]
    if (candidates.length === 0) return []
    const ids = candidates.map(({ _id }) => _id)
    await this.#collection.updateMany({ _id: { $in: ids }, ...free }, { $set: { claim, claimableAt: new Date(now.getTime() + leaseMs) } })
    const rows = (await this.#collection
      .find({ _id: { $in: ids }, claim }, { sort: { requestedAt: 1 } })
      .toArray()) as Partial<OutboxDocument>[]
    return rows.map(({ _id, request, requestedAt }) => ({ key: String(_id), request: String(request), requestedAt: textOf(requestedAt) }))
  }

  async remove(keys: readonly string[]): Promise<void> {
    await this.#collection.deleteMany({ _id: { $in: keys } })
  }

  async release(keys: readonly string[], claim: string): Promise<void> {
    await this.#collection.updateMany(
      { _id: { $in: keys }, claim },
      { $set: { claimableAt: new Date(this.#now()) }, $unset: { claim: '' } },
    )
  }

  async refuse(key: string, error: ErrorBody): Promise<void> {
    await this.#collection.updateOne({ _id: key }, { $set: { refused: { ...error, at: new Date(this.#now()) }, claimableAt: NEVER } })
  }
}

/** A row of another program may have anything in it: what is no time is refused by the mesh, with the row. */
const textOf = (at: unknown) => (at instanceof Date && !Number.isNaN(at.getTime()) ? at.toISOString() : String(at))

export const collectionOf = (database: MongoDatabase, name: string) => database.collection(name) as MongoCollection

/**
 * The database that a session writes into: the one that is given, or of this name, else that of the connection's URL.
 * @throws CarillonError INVALID_REQUEST
 */
export function databaseOf(session: MongoSession, given: string | MongoDatabase | undefined): MongoDatabase {
  if (typeof session !== 'object' || session === null || typeof session.inTransaction !== 'function')
    throw wrong('session', 'it is no session of MongoDB', 'Pass that of client.startSession() or client.withSession().')
  if (!session.inTransaction())
    throw wrong(
      'session',
      'it has no transaction',
      'Begin one, or start the run with client.run: without a transaction nothing holds the two together.',
    )
  if (typeof given === 'object') return given
  // The driver does not declare its client, which each version so far has.
  const { client } = session as { client?: { db?: (name?: string) => MongoDatabase } | null }
  if (typeof client?.db === 'function') return client.db(given)
  throw wrong('database', 'the session does not say which client it is of', "Pass the database: { database: client.db('shop') }.")
}

const wrong = (field: string, what: string, hint: string) =>
  new CarillonError('INVALID_REQUEST', `${field} is wrong: ${what}`, { field, hint })
