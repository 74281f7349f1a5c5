import assert from 'node:assert/strict'
import type { LogQuery } from '../ports.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { allOf, range } from './pages.ts'
import { aLine, START_AT } from './records.ts'

const query = (fields: Partial<LogQuery>): LogQuery => ({ namespace: 'default', runId: 'run-1', order: 'oldest', limit: 100, ...fields })

export const LOG_CASES: ConformanceCase[] = [
  {
    name: 'logs: a line that is there already is left alone',
    async run(store) {
      await store.logs.insert([aLine('run-1', 1), aLine('run-1', 2)])
      await store.logs.insert([aLine('run-1', 2, { message: 'again' }), aLine('run-1', 3), aLine('run-1', 3)])
      await store.logs.insert([aLine('run-1', 1, { attempt: 2, at: START_AT }), aLine('run-1', 1, { taskId: 'run-1-1', at: START_AT })])
      const { items } = await store.logs.query(query({}))
      assert.deepEqual(items, [
        aLine('run-1', 1, { attempt: 2, at: START_AT }),
        aLine('run-1', 1, { taskId: 'run-1-1', at: START_AT }),
        aLine('run-1', 1),
        aLine('run-1', 2),
        aLine('run-1', 3),
      ])
    },
  },
  {
    name: 'logs: 500 lines in either order, page by page, of one run and namespace',
    async run(store) {
      const lines = range(500, 1).map((seq) => aLine('run-1', seq, { at: START_AT + Math.floor(seq / 7), fields: `{"n":${seq}}` }))
      await store.logs.insert(lines.toReversed())
      await store.logs.insert([aLine('run-2', 1), aLine('run-1', 1, { namespace: 'other' })])
      for (const order of ['oldest', 'newest'] as const) {
        const seen = await allOf((cursor) => store.logs.query(query({ order, cursor, limit: 64 })))
        assert.deepEqual(seen, order === 'oldest' ? lines : lines.toReversed())
      }
    },
  },
  {
    name: 'logs: filters by task, level and text',
    async run(store) {
      const lines = [
        aLine('run-1', 1, { level: 'debug', message: 'Paid 100% (a.c)' }),
        aLine('run-1', 2, { level: 'warn', message: 'paid', fields: '{"to":"Ada"}' }),
        aLine('run-1', 3, { level: 'error', taskId: 'run-1-1', message: 'abc' }),
      ]
      await store.logs.insert(lines)
      const seqs = async (fields: Partial<LogQuery>) => (await store.logs.query(query(fields))).items.map((line) => line.seq)
      assert.deepEqual(await seqs({ taskId: 'run-1-1' }), [3])
      assert.deepEqual(await seqs({ levels: ['warn', 'error'] }), [2, 3])
      assert.deepEqual(await seqs({ text: 'aid' }), [1, 2])
      assert.deepEqual(await seqs({ text: 'a.c' }), [1])
      assert.deepEqual(await seqs({ text: '100% (' }), [1])
      assert.deepEqual(await seqs({ text: '"Ada"' }), [2])
      assert.deepEqual(await seqs({ text: '_' }), [])
      assert.deepEqual(await seqs({ text: 'paid', levels: ['warn'], taskId: 'run-1', order: 'newest' }), [2])
    },
  },
  {
    name: 'logs: trim keeps the newest lines of one run',
    async run(store) {
      await store.logs.insert([...range(50, 1).map((seq) => aLine('run-1', seq)), ...range(5, 1).map((seq) => aLine('run-2', seq))])
      const trim = (keep: number, limit = 100) => store.logs.trim({ namespace: 'default', runId: 'run-1', keep, limit })
      assert.equal(await trim(50), 0)
      assert.equal(await trim(20, 12), 12)
      assert.equal((await store.logs.query(query({}))).items[0]?.seq, 13, 'the oldest go first')
      assert.equal(await trim(20), 18)
      assert.equal(await trim(20), 0)
      assert.deepEqual(
        (await store.logs.query(query({}))).items.map((line) => line.seq),
        range(20, 31),
      )
      assert.equal((await store.logs.query(query({ runId: 'run-2' }))).items.length, 5)
      assert.equal(await trim(0), 20)
    },
  },
  {
    name: 'logs: removeOlder removes at most the limit, oldest first',
    async run(store) {
      await store.logs.insert(
        range(30).flatMap((n) => [aLine('run-1', n + 1, { at: START_AT + n }), aLine('run-2', n + 1, { at: START_AT + n })]),
      )
      const remove = (limit: number) => store.logs.removeOlder({ before: START_AT + 10, limit })
      assert.equal(await remove(8), 8)
      assert.equal((await store.logs.query(query({}))).items[0]?.at, START_AT + 4)
      assert.equal(await remove(100), 12)
      assert.equal(await remove(100), 0)
      assert.equal((await store.logs.query(query({ runId: 'run-2' }))).items.length, 20)
    },
  },
]
