import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MongoClient } from 'mongodb'
import { openStore } from '../open-store.ts'
import { aJob, START_AT } from '../testing/records.ts'
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
