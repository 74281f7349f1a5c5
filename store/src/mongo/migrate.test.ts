import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CarillonError } from '@carillon/contracts'
import { MongoClient } from 'mongodb'
import { openStore } from '../open-store.ts'
import { SCHEMA_VERSION } from '../schema-version.ts'
import { aJob, START_AT } from '../testing/records.ts'
import { MongoDatabase } from './database.ts'
import { MIGRATIONS, migrate } from './migrate.ts'
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

test('mongodb: a store of a newer version is refused with a code that names both, also for reading', {
  skip: SKIP_WITHOUT_ENGINE,
}, async (context) => {
  const fresh = freshDatabase()
  context.after(() => dropDatabase(fresh))
  const before = await openStore(fresh.url)
  const { id } = before
  await before.close()
  const again = await openStore(fresh.url, { readOnly: true })
  assert.equal(again.id, id)
  await again.close()
  const client = await MongoClient.connect(fresh.url)
  await client
    .db()
    .collection<{ _id: number }>('migrations')
    .insertOne({ _id: SCHEMA_VERSION + 1 })
  await client.close()
  for (const readOnly of [false, true])
    await assert.rejects(
      openStore(fresh.url, { readOnly }),
      (error: CarillonError) =>
        error.code === 'STORE_TOO_NEW' &&
        error.message.endsWith(`has schema version ${SCHEMA_VERSION + 1}; this program knows versions up to ${SCHEMA_VERSION}`),
    )
})

test('mongodb: the newest migration is the schema version', () => {
  assert.equal(MIGRATIONS.at(-1)?.number, SCHEMA_VERSION)
})
