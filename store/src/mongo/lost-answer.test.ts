import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MongoNetworkError, MongoServerError } from 'mongodb'
import { RUN_COLUMNS } from '../columns.ts'
import { range } from '../testing/pages.ts'
import { aRun, runId } from '../testing/records.ts'
import { type BulkTarget, insertAll, newWriter, updateAll } from './bulk.ts'
import { MongoDatabase } from './database.ts'
import { DocumentShape } from './document.ts'
import { dropDatabase, freshDatabase, SKIP_WITHOUT_ENGINE } from './test-database.ts'

const shape = new DocumentShape(RUN_COLUMNS)

/** A real engine whose first bulk of each kind fails with `error`, before or after it took effect. */
function faulty(target: BulkTarget, when: 'before' | 'after', error: Error): BulkTarget {
  const failed = new Set<boolean>()
  return {
    writtenBy: target.writtenBy,
    async send(command) {
      const isInsert = 'insert' in command
      if (failed.has(isInsert)) return target.send(command)
      failed.add(isInsert)
      if (when === 'after') await target.send(command)
      throw error
    },
  }
}

const FAULTS: readonly ['before' | 'after', Error][] = [
  ['before', new MongoNetworkError('connection closed')],
  ['after', new MongoNetworkError('connection closed')],
  ['before', new MongoServerError({ message: 'deadlock detected', code: 16_908_292 })],
  ['before', new MongoServerError({ message: 'not primary', code: 10_107 })],
]

for (const [when, error] of FAULTS) {
  test(`mongodb: outcomes stay exact when a bulk fails ${when} it took effect: ${error.message}`, {
    skip: SKIP_WITHOUT_ENGINE,
  }, async (context) => {
    const fresh = freshDatabase()
    const database = new MongoDatabase({ ...fresh, readOnly: false })
    context.after(async () => {
      await database.close()
      await dropDatabase(fresh)
    })
    const target = database.bulkTarget('runs')
    const documents = () => range(6).map((n) => shape.encode(aRun(n)))
    await insertAll(target, documents().slice(0, 2))
    const broken = faulty(target, when, error)
    assert.deepEqual(await insertAll(broken, documents()), ['duplicate', 'duplicate', 'created', 'created', 'created', 'created'])
    const writer = newWriter()
    const updates = range(7).map((n) => ({
      id: runId(n),
      filter: { _id: runId(n), state: n === 3 ? 'running' : 'queued' },
      ...shape.changesOf({ state: 'succeeded' }),
    }))
    const outcomes = await updateAll(broken, updates, writer)
    assert.deepEqual(
      outcomes,
      range(7).map((n) => (n === 3 || n === 6 ? 'refused' : 'applied')),
    )
  })
}
