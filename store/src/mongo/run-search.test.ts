import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStore } from '../open-store.ts'
import type { RunListQuery } from '../search-port.ts'
import { aRun } from '../testing/records.ts'
import { MongoDatabase } from './database.ts'
import { MongoRunStore } from './run-store.ts'
import { dropDatabase, freshDatabase, SKIP_WITHOUT_ENGINE } from './test-database.ts'

const MINUTE_MS = 60_000
/** Some of the last minute, fewer of each time before, and two that are older than all that is looked back. */
const AGES_MS = [0, 1, 2, 30_000, 2 * MINUTE_MS, 10 * MINUTE_MS, 40 * MINUTE_MS, 200 * MINUTE_MS, 1_000 * MINUTE_MS, 3e9, 4e9]

class LargeDatabase extends MongoDatabase {
  override async estimate(): Promise<number> {
    return 1_000_000
  }
}

const QUERIES: readonly Omit<RunListQuery, 'namespace' | 'limit'>[] = [
  {},
  { order: 'oldest' },
  { job: 'report' },
  { states: ['failed'] },
  { states: ['failed', 'succeeded'], job: 'report' },
  { handlers: ['hello'], since: Date.now() - 50 * MINUTE_MS },
  { until: Date.now() - 5 * MINUTE_MS },
]

test('mongodb: lists are the same whether the last minutes are looked at first or not', { skip: SKIP_WITHOUT_ENGINE }, async (context) => {
  const fresh = freshDatabase()
  const store = await openStore(fresh.url)
  const database = new LargeDatabase({ ...fresh, readOnly: false, answerWithinMs: 5_000 })
  context.after(async () => {
    await Promise.all([store.close(), database.close()])
    await dropDatabase(fresh)
  })
  await database.connect()
  const now = Date.now()
  const runs = AGES_MS.map((ageMs, n) => {
    const end =
      n % 2 === 0 ? ({ state: 'failed', reason: 'handler-error' } as const) : ({ state: 'succeeded', reason: 'completed' } as const)
    return aRun(n, { ...end, job: n % 3 === 0 ? 'report' : null, createdAt: now - ageMs, queuedAt: null, endedAt: now - ageMs + 5 })
  })
  await store.runs.insert(runs)
  const large = new MongoRunStore(database)
  for (const query of QUERIES)
    for (const limit of [1, 3, 50]) {
      const [expected, found] = [await pages(store.runs, { ...query, limit }), await pages(large, { ...query, limit })]
      assert.ok(expected.length > 0)
      assert.deepEqual(found, expected, JSON.stringify({ ...query, limit }))
    }
})

async function pages(runs: Pick<MongoRunStore, 'list'>, query: Omit<RunListQuery, 'namespace'>): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const slice = await runs.list({ ...query, namespace: 'default', ...(cursor === undefined ? {} : { cursor }) })
    ids.push(...slice.items.map(({ id }) => id))
    cursor = slice.cursor
  } while (cursor !== undefined)
  return ids
}
