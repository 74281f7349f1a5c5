import assert from 'node:assert/strict'
import { CarillonError } from '@carillon/contracts'
import type { ConformanceCase } from './conformance-case.ts'
import { range } from './pages.ts'
import { aRun, runId } from './records.ts'

export const STORE_CASES: ConformanceCase[] = [
  {
    name: 'coordinators: put inserts or replaces, list, remove',
    async run(store) {
      await store.coordinators.put({ id: 'c-2', beat: 1, publishedBefore: 100 })
      await store.coordinators.put({ id: 'c-1', beat: 1, publishedBefore: 50 })
      await store.coordinators.put({ id: 'c-2', beat: 2, publishedBefore: 200 })
      const c1 = { id: 'c-1', beat: 1, publishedBefore: 50 }
      assert.deepEqual(await store.coordinators.list(), [c1, { id: 'c-2', beat: 2, publishedBefore: 200 }])
      await store.coordinators.remove('c-2')
      await store.coordinators.remove('c-2')
      assert.deepEqual(await store.coordinators.list(), [c1])
    },
  },
  {
    name: 'eight that open an empty database at once all find it migrated, and each other',
    async run(store, context) {
      const others = await Promise.all(range(8).map(() => context.openAnother()))
      await Promise.all(others.map((other, n) => other.runs.insert([aRun(n)])))
      assert.equal((await store.runs.get(range(8).map(runId))).filter((run) => run !== undefined).length, 8)
    },
  },
  {
    name: 'check passes, describe names no secret, and after close every call is STORE_UNAVAILABLE',
    async run(_store, context) {
      const other = await context.openAnother()
      await other.check()
      await other.check()
      assert.ok(other.describe().startsWith(`${other.kind} `), other.describe())
      await other.close()
      await other.close()
      const unavailable = (error: unknown) => CarillonError.is(error) && error.code === 'STORE_UNAVAILABLE'
      await assert.rejects(() => other.check(), unavailable)
      await assert.rejects(() => other.runs.get([runId(1)]), unavailable)
      await assert.rejects(() => other.runs.insert([aRun(1)]), unavailable)
    },
  },
]
