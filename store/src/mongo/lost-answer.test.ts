import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { type Collection, MongoClient, MongoNetworkError, MongoServerError } from 'mongodb'
import { RUN_COLUMNS } from '../columns.ts'
import { range } from '../testing/pages.ts'
import { aRun, runId } from '../testing/records.ts'
import { insertAll, newWriter, updateAll } from './bulk.ts'
import { DocumentShape, type StoredDocument } from './document.ts'

const url = process.env['CARILLON_TEST_MONGODB_URL']
const skip = url === undefined && process.env['CI'] !== 'true' ? 'CARILLON_TEST_MONGODB_URL is not set' : false
const shape = new DocumentShape(RUN_COLUMNS)

/** The collection of a real engine whose first bulk of each kind fails with `error`, before or after it took effect. */
function faulty(collection: Collection<StoredDocument>, when: 'before' | 'after', error: Error): Collection<StoredDocument> {
  const failed = new Set<string>()
  const wrap =
    (name: 'insertMany' | 'bulkWrite') =>
    async (...given: unknown[]) => {
      const send = () => (collection[name] as (...given: unknown[]) => Promise<unknown>)(...given)
      if (failed.has(name)) return send()
      failed.add(name)
      if (when === 'after') await send()
      throw error
    }
  return new Proxy(collection, {
    get(target, name) {
      if (name === 'insertMany' || name === 'bulkWrite') return wrap(name)
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

const FAULTS: readonly ['before' | 'after', Error][] = [
  ['before', new MongoNetworkError('connection closed')],
  ['after', new MongoNetworkError('connection closed')],
  ['before', new MongoServerError({ message: 'deadlock detected', code: 16_908_292 })],
  ['before', new MongoServerError({ message: 'not primary', code: 10_107 })],
]

for (const [when, error] of FAULTS) {
  test(`mongodb: outcomes stay exact when a bulk fails ${when} it took effect: ${error.message}`, { skip }, async (context) => {
    const client = new MongoClient(url!)
    const database = client.db(`carillon-test-${randomBytes(6).toString('hex')}`)
    context.after(async () => {
      await database.dropDatabase()
      await client.close()
    })
    const collection = database.collection<StoredDocument>('runs')
    const documents = () => range(6).map((n) => shape.encode(aRun(n)))
    await insertAll(collection, documents().slice(0, 2))
    const broken = faulty(collection, when, error)
    assert.deepEqual(await insertAll(broken, documents()), ['duplicate', 'duplicate', 'created', 'created', 'created', 'created'])
    const writer = newWriter()
    const updates = range(7).map((n) => ({
      id: runId(n),
      filter: { _id: runId(n), state: n === 3 ? 'running' : 'queued' },
      update: shape.changeTo({ state: 'succeeded' }, writer),
    }))
    const outcomes = await updateAll(broken, updates, writer)
    assert.deepEqual(
      outcomes,
      range(7).map((n) => (n === 3 || n === 6 ? 'refused' : 'applied')),
    )
  })
}
