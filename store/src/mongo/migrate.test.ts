import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MongoClient } from 'mongodb'
import { openStore } from '../open-store.ts'
import { aJob, START_AT } from '../testing/records.ts'
import { MongoDatabase } from './database.ts'
import { migrate } from './migrate.ts'
import { dropDatabase, freshDatabase, SKIP_WITHOUT_ENGINE } from './test-database.ts'

test('mongodb: a store of the first schema keeps the slots of its jobs', { skip: SKIP_WITHOUT_ENGINE }, async (context) => {
  const fresh = freshDatabase()
  context.after(() => dropDatabase(fresh))
  const before = await openStore(fresh.url)
  await before.jobs.insert(aJob('report'))
  await before.jobs.insert(aJob('paused', { state: 'paused', nextSlotAt: null }))
  await before.close()
  const client = await MongoClient.connect(fresh.url)
  const database = client.db()
  await database.collection('jobs').updateMany({}, { $unset: { nextSlotAt: '' } })
  await database.collection<{ _id: number }>('migrations').deleteMany({ _id: 2 })
  await client.close()

  const after = await openStore(fresh.url)
  context.after(() => after.close())
  const jobs = await after.jobs.get(['default/report', 'default/paused'])
  assert.deepEqual(
    jobs.map((job) => [job?.nextSlotAt, job?.wakeAt]),
    [
      [START_AT, START_AT],
      [null, null],
    ],
  )
})

test('mongodb: of several processes that open a new store at once one makes it, and a lock that a dead one left is ignored', {
  skip: SKIP_WITHOUT_ENGINE,
}, async (context) => {
  const fresh = freshDatabase()
  context.after(() => dropDatabase(fresh))
  const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(fresh.url)))
  for (const store of stores) await store.close()
  const database = new MongoDatabase({ ...fresh, readOnly: false })
  context.after(() => database.close())
  const migrations = database.collection('migrations')
  const ids = async () => (await migrations.find().toArray()).map(({ _id }) => _id)
  const applied = await ids()
  assert.ok(!applied.includes('lock'))
  await migrations.deleteMany({})
  await migrations.insertOne({ _id: 'lock' })
  await migrate(database, 10)
  assert.deepEqual((await ids()).sort(), applied.sort())
})
