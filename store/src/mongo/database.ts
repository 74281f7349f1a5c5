import { CarillonError } from '@carillon/contracts'
import { type Collection, type Db, type Document, MongoClient, type MongoClientOptions, ReadConcern } from 'mongodb'
import { invalidStoreUrl } from '../store-url.ts'
import type { BulkTarget, WriteReply } from './bulk.ts'
import type { StoredDocument } from './document.ts'
import { fromMongoError } from './mongo-error.ts'
import { withinLimit, withRetry } from './retry.ts'

export interface MongoOptions {
  readonly url: string
  readonly database: string
  readonly readOnly: boolean
  /** How long one command may take, milliseconds. Default 15,000: an engine that needs longer is not helped by more commands. */
  readonly answerWithinMs?: number
}

/** Each may be set otherwise in the URL. */
const TIMEOUTS = { serverSelectionTimeoutMS: 5_000, connectTimeoutMS: 5_000, socketTimeoutMS: 30_000 }
/** Bulks come one after another from each loop of a service; more connections only cost memory. */
const POOL_SIZE = 16
const MAJORITY = { w: 'majority', journal: true, wtimeoutMS: 10_000 } as const
/** The same as it is written in a command. */
const WRITE_CONCERN = { w: 'majority', j: true, wtimeout: 10_000 } as const

/** One database: its collections, retries and coded errors. */
export class MongoDatabase {
  /** Host and database, without secrets. */
  readonly place: string
  readonly #client: MongoClient
  readonly #db: Db
  readonly #readOnly: boolean
  readonly #answerWithinMs: number
  #closed = false

  constructor({ url, database, readOnly, answerWithinMs = 15_000 }: MongoOptions) {
    this.place = `${url.replace(/^[^:]+:\/\/(?:[^@/]*@)?/, '').replace(/[/?].*$/s, '')}/${database}`
    this.#readOnly = readOnly
    this.#answerWithinMs = answerWithinMs
    try {
      this.#client = new MongoClient(url, clientOptions(url))
    } catch (error) {
      throw invalidStoreUrl(url, `cannot be used: ${(error as Error).message}`, error)
    }
    this.#db = this.#client.db(database, { writeConcern: MAJORITY, readPreference: 'primary', readConcern: new ReadConcern('majority') })
  }

  /** The engine's clock; undefined if it does not report it. */
  async time(): Promise<number | undefined> {
    const { localTime } = await this.read((signal) => this.#db.admin().command({ hello: 1 }, { signal }))
    return localTime instanceof Date ? localTime.getTime() : undefined
  }

  /** About how many documents a collection has. */
  async estimate(name: string): Promise<number> {
    const { n } = await this.read((signal) => this.#db.command({ count: name }, { signal }))
    return Number(n)
  }

  collection(name: string): Collection<StoredDocument> {
    return this.#db.collection<StoredDocument>(name)
  }

  /** The target of bulks for one collection. */
  bulkTarget(name: string): BulkTarget {
    return {
      send: ({ insert, update, ...rest }) => {
        const command = insert === undefined ? { update: name, ...rest } : { insert: name, ...rest }
        const whole = { ...command, writeConcern: WRITE_CONCERN }
        return withinLimit(this.#answerWithinMs, (signal) => this.#db.command(whole, { signal }) as Promise<Document & WriteReply>)
      },
      writtenBy: async (ids, writer) => {
        const filter = { _id: { $in: [...ids] }, writers: writer }
        const options = { projection: { _id: 1 } }
        const found = await this.#reading((signal) =>
          this.collection(name)
            .find(filter, { ...options, signal })
            .toArray(),
        )
        return new Set(found.map((document) => document._id))
      },
    }
  }

  async createCollection(name: string): Promise<void> {
    await this.#db.createCollection(name)
  }

  /** Runs `work`, which must be safe to repeat, again while it fails for a transient reason. @throws CarillonError */
  async read<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    return this.#guard(() => this.#reading(work))
  }

  /** Like `read`, for writes. @throws CarillonError */
  async write<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#guard(() => withRetry(() => this.#writing(work)))
  }

  /** Runs `work`, which handles transient errors itself. @throws CarillonError */
  async bulk<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#guard(() => this.#writing(work))
  }

  async connect(): Promise<void> {
    await this.#guard(() => this.#client.connect())
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#client.close()
  }

  async #reading<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    return withRetry(() => withinLimit(this.#answerWithinMs, work))
  }

  async #writing<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#readOnly) throw new CarillonError('STORE_READ_ONLY', `${this.place} was opened for reading`)
    return work()
  }

  async #guard<Result>(work: () => Promise<Result>): Promise<Result> {
    // The driver would quietly connect again.
    if (this.#closed) throw new CarillonError('STORE_UNAVAILABLE', `${this.place}: the store was closed`)
    try {
      return await work()
    } catch (error) {
      throw fromMongoError(error, this.place)
    }
  }
}

function clientOptions(url: string): MongoClientOptions {
  const given = new Set([...new URLSearchParams(url.split('?')[1]).keys()].map((key) => key.toLowerCase()))
  const timeouts = Object.entries(TIMEOUTS).filter(([key]) => !given.has(key.toLowerCase()))
  const maxPoolSize = given.has('maxpoolsize') ? {} : { maxPoolSize: POOL_SIZE }
  return { appName: 'carillon', ...Object.fromEntries(timeouts), ...maxPoolSize }
}
