import assert from 'node:assert/strict'
import { changeId } from '../job-records.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { range } from './pages.ts'
import { aChange, START_AT } from './records.ts'

const LARGE = JSON.stringify({ payload: 'x'.repeat(100_000) })

export const CHANGE_CASES: ConformanceCase[] = [
  {
    name: 'changes: each revision of a job is kept once, and listed newest first with what is large',
    async run(store) {
      const changes = range(12).map((n) =>
        aChange(n + 1, n === 4 ? { definition: LARGE, kind: 'declared', by: 'billing', version: 7 } : {}),
      )
      for (const change of changes) assert.equal(await store.changes.insert(change), 'created')
      assert.equal(await store.changes.insert(aChange(3, { by: 'another' })), 'duplicate')
      // Neither its namesake elsewhere, nor a job whose name begins with this one's.
      for (const jobId of ['default-2/report', 'default/report-2', 'default/repor', 'default/report0'])
        await store.changes.insert(aChange(1, { jobId }))
      const [jobId, below] = ['default/report', Number.POSITIVE_INFINITY]
      assert.deepEqual(await store.changes.list({ jobId, below, limit: 5 }), { items: changes.toReversed().slice(0, 5), isMore: true })
      assert.deepEqual(await store.changes.list({ jobId, below: 8, limit: 7 }), { items: changes.slice(0, 7).toReversed(), isMore: false })
      assert.deepEqual((await store.changes.list({ jobId: 'default/nobody', below, limit: 5 })).items, [])
    },
  },
  {
    name: 'changes: a page ends before it exceeds its size, and holds one in any case',
    async run(store) {
      for (const n of range(3)) await store.changes.insert(aChange(n + 1, { definition: LARGE }))
      const page = await store.changes.list({ jobId: 'default/report', below: 9, limit: 10, maxBytes: 150_000 })
      assert.deepEqual([page.items.map(({ revision }) => revision), page.isMore], [[3], true])
      const rest = await store.changes.list({ jobId: 'default/report', below: 3, limit: 10 })
      assert.deepEqual([rest.items.map(({ revision }) => revision), rest.isMore], [[2, 1], false])
    },
  },
  {
    name: 'changes: those below a revision are deleted, and those before a time, the oldest first',
    async run(store) {
      for (const n of range(10)) await store.changes.insert(aChange(n + 1, { definition: n % 2 === 0 ? LARGE : '{}' }))
      await store.changes.insert(aChange(1, { jobId: 'default/report-2' }))
      await store.changes.trim({ jobId: 'default/report', below: 4 })
      const revisions = async () =>
        (await store.changes.list({ jobId: 'default/report', below: 99, limit: 20 })).items.map(({ revision }) => revision)
      assert.deepEqual(await revisions(), [10, 9, 8, 7, 6, 5, 4])
      assert.equal(await store.changes.removeOlder({ before: START_AT + 8, limit: 3 }), 3)
      assert.deepEqual(await revisions(), [10, 9, 8, 7, 6])
      assert.equal(await store.changes.removeOlder({ before: START_AT + 8, limit: 10 }), 2)
      assert.deepEqual(await revisions(), [10, 9, 8])
      assert.deepEqual((await store.changes.list({ jobId: 'default/report-2', below: 9, limit: 5 })).items, [])
      assert.equal(changeId('default/report', 8), 'default/report/0000000008')
    },
  },
]
