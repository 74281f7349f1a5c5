import { exec } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { MongoClient } from 'mongodb'
import type { Cleanup } from './cleanup.ts'

/** A kind of store to run a suite on. */
export interface TestStore {
  readonly name: 'sqlite' | 'mongodb'
  /** Why its tests cannot run here; false when they can. */
  readonly skip: string | false
  /** The URL of a new, empty store, removed at the end. */
  fresh(cleanup: Cleanup): string
}

const { CI } = process.env
const mongodbUrl = process.env['CARILLON_TEST_MONGODB_URL'] || undefined

const sqlite: TestStore = {
  name: 'sqlite',
  skip: false,
  fresh: (cleanup) => `sqlite:${join(cleanup.folder(), 'carillon.db')}`,
}

const mongodb: TestStore = {
  name: 'mongodb',
  skip: mongodbUrl === undefined && CI !== 'true' ? 'CARILLON_TEST_MONGODB_URL is not set' : false,
  fresh: (cleanup) => {
    if (mongodbUrl === undefined) throw new Error('in CI the MongoDB tests must run: set CARILLON_TEST_MONGODB_URL')
    const database = `carillon-test-${randomBytes(6).toString('hex')}`
    const address = new URL(mongodbUrl)
    address.pathname = `/${database}`
    cleanup.add(`database ${database}`, async () => {
      const client = new MongoClient(address.href)
      await client.db(database).dropDatabase()
      await client.close()
    })
    return address.href
  },
}

/** Both: every suite of the mesh runs on each. */
export const STORES: readonly TestStore[] = [sqlite, mongodb]
export { mongodb, sqlite }

const { CARILLON_TEST_MONGODB_KILL: kill, CARILLON_TEST_MONGODB_RESTART: restart } = process.env
const shell = promisify(exec)

/** How the MongoDB engine is killed with -9 and started again; undefined where that is not known. */
export const mongodbEngine =
  mongodbUrl === undefined || kill === undefined || restart === undefined
    ? undefined
    : { kill9: async () => void (await shell(kill)), restart: async () => void (await shell(restart)) }
