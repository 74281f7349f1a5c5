import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '@carillon/wire/testing'
import { MongoClient } from 'mongodb'
import type { Cleanup } from './cleanup.ts'
import { NotAvailable } from './not-available.ts'
import { launch } from './processes.ts'

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

/** An engine of the test's own, to be killed: no other test uses it. */
export interface TestEngine {
  readonly store: TestStore
  kill9(): Promise<void>
  start(): Promise<void>
}

const SCRIPT = fileURLToPath(new URL('../../../scripts/mongodb.ts', import.meta.url))
const isOurs = process.env['CARILLON_TEST_MONGODB_KILL'] !== undefined

/** Why no engine can be killed here; false when one can. In CI one must be. */
export const SKIP_WITHOUT_OWN_ENGINE =
  isOurs || CI === 'true' ? false : 'CARILLON_TEST_MONGODB_KILL is not set: no MongoDB engine here is ours to kill'

/** @throws NotAvailable */
export async function startEngine(cleanup: Cleanup): Promise<TestEngine> {
  const port = await freePort()
  const script = async (verb: string): Promise<string> => {
    const launched = launch(cleanup, [process.execPath, SCRIPT, verb, String(port)], { detached: true, isDaemon: true })
    const { code } = await launched.exited
    if (code !== 0) throw new (verb === 'start' ? NotAvailable : Error)(`scripts/mongodb.ts ${verb}: ${launched.stderr().trim()}`)
    return launched.stdout().trim().split('\n').at(-1) ?? ''
  }
  const url = await script('start')
  cleanup.add('MongoDB engine', () => script('stop'))
  return {
    store: { name: 'mongodb', skip: false, fresh: () => url },
    kill9: async () => void (await script('kill')),
    start: async () => void (await script('restart')),
  }
}
