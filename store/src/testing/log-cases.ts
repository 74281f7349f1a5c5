import assert from 'node:assert/strict'
import type { LogQuery, LogSearchQuery } from '../search-port.ts'
import { READ_PER_PAGE } from '../slice.ts'
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
      await store.logs.insert([
        aLine('run-1', 4, {
          message: '\u001b[1;31mno\u001b[0m \u001b[38;5;4mroute\u001b[0m (\u001b]8;;http://a\u0007here\u001b]8;;\u0007)',
        }),
      ])
      assert.deepEqual(await seqs({ text: 'no route (here)' }), [4])
      assert.deepEqual(await seqs({ text: '[31mno' }), [])
      assert.deepEqual(await seqs({ text: '1;31mno' }), [4])
      assert.deepEqual(await seqs({ text: 'paid', levels: ['warn'], taskId: 'run-1', order: 'newest' }), [2])
    },
  },
  {
    name: 'logs: lines of all runs are searched newest first, by level, text, instance and time, page by page, each once',
    async run(store) {
      const levels = ['debug', 'info', 'warn', 'error'] as const
      const lines = range(300, 1).map((n) =>
        aLine(`run-${n % 7}`, n, {
          at: START_AT + Math.floor(n / 5),
          level: levels[n % 4]!,
          instance: `i-${n % 3}`,
          message: n % 50 ? 'x' : 'Paid 100% (a.c)+$',
          fields: n % 60 === 1 ? '{"to":"Ada"}' : null,
        }),
      )
      await store.logs.insert([...lines, aLine('run-1', 900, { namespace: 'other', level: 'error', message: 'Paid 100% (a.c)+$' })])
      const filters: readonly Partial<LogSearchQuery>[] = [
        {},
        { levels: ['warn', 'error'] },
        { levels: ['error'] },
        { levels: ['info', 'warn', 'error'] },
        { text: '(a.c)+$' },
        { text: '"Ada"' },
        { text: '.*' },
        { instance: 'i-1', levels: ['warn', 'error'] },
        { instance: 'i-2', text: 'Paid' },
      ]
      for (const filter of filters)
        for (const [since, until] of [[], [START_AT + 10], [undefined, START_AT + 30], [START_AT + 10, START_AT + 30]])
          for (const limit of [7, 1_000]) {
            const expected = lines.filter(
              ({ at, level, message, fields, instance }) =>
                (since === undefined || at >= since) &&
                (until === undefined || at < until) &&
                (filter.levels === undefined || filter.levels.includes(level)) &&
                (filter.instance === undefined || filter.instance === instance) &&
                (filter.text === undefined || message.includes(filter.text) || fields?.includes(filter.text) === true),
            )
            const found = await allOf((cursor) => store.logs.search({ namespace: 'default', ...filter, since, until, cursor, limit }))
            const name = JSON.stringify({ filter, since, until, limit })
            assert.deepEqual(
              found.map(({ at }) => at),
              expected.map(({ at }) => at).toReversed(),
              name,
            )
            assert.deepEqual(found.map(({ seq }) => seq).sort(), expected.map(({ seq }) => seq).sort(), name)
          }
    },
  },
  {
    name: 'logs: a search for what is rare reads a limited number of lines for each page, and says how far it came',
    async run(store) {
      const total = READ_PER_PAGE * 2 + 10
      const lines = range(total, 1).map((seq) =>
        aLine(`run-${seq % 5}`, seq, { at: START_AT + (seq >> 3), message: seq === 3 ? 'needle' : 'x' }),
      )
      await store.logs.insert(lines)
      const pages: number[] = []
      let cursor: string | undefined
      do {
        const slice = await store.logs.search({ namespace: 'default', text: 'needle', cursor, limit: 10 })
        pages.push(slice.items.length)
        assert.equal(slice.reached === undefined, slice.cursor === undefined)
        cursor = slice.cursor
      } while (cursor !== undefined)
      assert.deepEqual(pages, [0, 0, 1])
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
