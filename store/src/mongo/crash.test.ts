import assert from 'node:assert/strict'
import { exec } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { CarillonError } from '@carillon/contracts'
import { openStore } from '../open-store.ts'
import { range } from '../testing/pages.ts'
import { aFinish, aRun, runId } from '../testing/records.ts'
import { dropDatabase, freshDatabase } from './test-database.ts'

const { CARILLON_TEST_MONGODB_URL: url, CARILLON_TEST_MONGODB_KILL: kill, CARILLON_TEST_MONGODB_RESTART: restart } = process.env
const skip =
  url === undefined || kill === undefined || restart === undefined
    ? 'CARILLON_TEST_MONGODB_URL, _KILL and _RESTART (shell commands) are not all set'
    : false
const shell = promisify(exec)
const BULK = 100

test('mongodb: what was answered is there after kill -9 of the engine in the middle of a bulk', {
  skip,
}, async (context) => {
  const fresh = freshDatabase()
  const store = await openStore(fresh.url)
  context.after(async () => {
    await store.close()
    await dropDatabase(fresh)
  })
  const created: string[] = []
  const ended: string[] = []
  const problems = { restarted: false, refusals: 0 }
  let engine: Promise<unknown> = Promise.resolve()
  for (let bulk = 0, after = 0; after < 5; bulk++) {
    const ids = range(BULK, bulk * BULK)
    // Four answers are waited for before the engine dies under a bulk that is under way.
    if (bulk === 4) engine = crashEngine().then(() => (problems.restarted = true))
    try {
      await store.runs.insert(ids.map((n) => aRun(n)))
      created.push(...ids.map(runId))
      const outcomes = await store.runs.update(ids.map((n) => aFinish(runId(n))))
      assert.ok(outcomes.every((outcome) => outcome === 'applied'))
      ended.push(...ids.map(runId))
      if (problems.restarted) after++
    } catch (error) {
      if (!CarillonError.is(error) || error.code !== 'STORE_UNAVAILABLE') throw error
      problems.refusals++
    }
  }
  await engine
  assert.equal((await store.runs.get(created)).filter((run) => run === undefined).length, 0, 'runs lost')
  assert.deepEqual([...new Set((await store.runs.get(ended)).map((run) => run?.state))], ['succeeded'])
  context.diagnostic(`${created.length} created and ${ended.length} ended runs were answered, ${problems.refusals} bulks were not`)
})

async function crashEngine(): Promise<void> {
  await shell(kill!)
  await shell(restart!)
}
