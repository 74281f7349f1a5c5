import assert from 'node:assert/strict'
import { RUN_STATES, UNSUCCESSFUL_STATES } from '@carillon/contracts'
import type { RunRecord } from '../records.ts'
import type { RunFilter } from '../search-port.ts'
import { READ_PER_PAGE } from '../slice.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { allOf, range } from './pages.ts'
import { aRun, headOf, runId, START_AT } from './records.ts'

const STATES = RUN_STATES.filter((state) => state !== 'not_needed')
const isEnded = (state: string) => state === 'succeeded' || (UNSUCCESSFUL_STATES as readonly string[]).includes(state)
const namespace = 'default'

/** Runs of every state, with as many as five at a time. */
const RUNS = range(120).map((n): RunRecord => {
  const state = STATES[n % STATES.length]!
  return aRun(n, {
    state,
    queuedAt: state === 'queued' ? START_AT : null,
    job: n % 2 ? 'report' : null,
    handler: `h-${n % 3}`,
    trigger: n % 5 ? 'call' : 'schedule',
    owner: n % 4 ? `i-${n % 4}` : null,
    createdAt: START_AT + Math.floor(n / 5),
    endedAt: isEnded(state) ? START_AT + 50 + ((n * 7) % 11) : null,
  })
})

type Filter = Omit<RunFilter, 'namespace' | 'text'>

function accepts({ job, states, since, until, handlers, triggers, owners, time = 'createdAt' }: Filter, run: RunRecord): boolean {
  const at = run[time] ?? Number.NaN
  return (
    (job === undefined || run.job === job) &&
    (states === undefined || states.includes(run.state)) &&
    (since === undefined || at >= since) &&
    (until === undefined || at < until) &&
    (handlers === undefined || handlers.includes(run.handler)) &&
    (triggers === undefined || triggers.includes(run.trigger)) &&
    (owners === undefined || (run.owner !== null && owners.includes(run.owner)))
  )
}

const FILTERS: readonly Filter[] = [
  {},
  { job: 'report' },
  { job: 'nothing' },
  ...STATES.flatMap((state): Filter[] => [{ states: [state] }, { job: 'report', states: [state] }]),
  { states: ['failed', 'running', 'failed'] },
  { states: ['queued', 'waiting', 'paused'] },
  { states: ['succeeded', 'failed'] },
  { states: ['failed', 'timed_out', 'expired'], handlers: ['h-1', 'h-2'] },
  { job: 'report', states: UNSUCCESSFUL_STATES, triggers: ['schedule'] },
  { time: 'endedAt', states: ['failed'] },
  { time: 'endedAt', states: UNSUCCESSFUL_STATES },
  { time: 'endedAt', states: UNSUCCESSFUL_STATES, job: 'report' },
  { handlers: [] },
  { handlers: ['h-0', 'h-2', 'nothing'] },
  { triggers: ['schedule'] },
  { owners: ['i-1', 'i-3'] },
]

export const SEARCH_CASES: ConformanceCase[] = [
  {
    name: 'search: every filter alone and with others, between two times, in either order, page by page, and counted',
    async run(store) {
      await store.runs.insert([...RUNS, aRun(500, { namespace: 'other', handler: 'h-1' })])
      for (const filter of FILTERS)
        for (const [since, until] of [[], [START_AT - 1], [START_AT + 7, START_AT + 20], [START_AT + 52, START_AT + 58], [START_AT + 99]])
          for (const order of ['newest', 'oldest'] as const) {
            const query = { namespace, ...filter, since, until }
            const time = filter.time ?? 'createdAt'
            const compare = (one: RunRecord, other: RunRecord) => one[time]! - other[time]! || (one.id < other.id ? -1 : 1)
            const expected = RUNS.filter((run) => accepts({ ...filter, since, until }, run)).sort(compare)
            if (order === 'newest') expected.reverse()
            const found = await allOf((cursor) => store.runs.list({ ...query, order, cursor, limit: 7 }))
            assert.deepEqual(found, expected.map(headOf), JSON.stringify({ query, order }))
            assert.deepEqual(await store.runs.count({ ...query, atMost: 1_000 }), { count: expected.length }, JSON.stringify(query))
            const { count } = await store.runs.count({ ...query, atMost: 3 })
            assert.equal(count, Math.min(3, expected.length), JSON.stringify(query))
          }
    },
  },
  {
    name: 'search: a text is data, in keys, errors and short payloads',
    async run(store) {
      const failed = (message: string, more = {}) =>
        ({ state: 'failed', queuedAt: null, error: { name: 'Error', message, ...more } }) as const
      await store.runs.insert([
        aRun(1, { key: 'order-100% (a.c)' }),
        aRun(2, failed('connect ECONNREFUSED "db"\n(x+)+$', { code: 'E42', stack: 'Error: at pay.ts:7' })),
        aRun(3, { payload: '{"customer":"Grace","note":"50% (a.c)"}' }),
        aRun(4, { payload: JSON.stringify({ customer: 'Grace', long: 'x'.repeat(5_000) }) }),
        aRun(5, failed(`${'y'.repeat(6_000)} far away`)),
        aRun(6, failed('aac')),
      ])
      const found = async (text: string) => (await store.runs.list({ namespace, text, limit: 10 })).items.map(({ id }) => id)
      const all = (...numbers: number[]) => numbers.map(runId)
      assert.deepEqual(await found('(a.c)'), all(3, 1))
      assert.deepEqual(await found('100%'), all(1))
      assert.deepEqual(await found('ECONNREFUSED "db"'), all(2))
      assert.deepEqual(await found('(x+)+$'), all(2))
      assert.deepEqual(await found('\n('), all(2))
      assert.deepEqual(await found('E42'), all(2))
      assert.deepEqual(await found('pay.ts:7'), all(2))
      assert.deepEqual(await found('"customer":"Grace","note"'), all(3), 'a payload is searched as JSON')
      assert.deepEqual(await found('Grace'), all(3), 'a payload that is longer is not read')
      assert.deepEqual(await found('far away'), all(5), 'an error is, whatever its length')
      assert.deepEqual(await found('message'), [], 'names of fields of an error are not its text')
      assert.deepEqual(await found('_'), [])
      assert.equal((await store.runs.count({ namespace, text: 'Grace', atMost: 10 })).count, 1)
    },
  },
  {
    name: 'search: a rare run reads a limited number of runs for each page, whatever the filter, and leads on in either order',
    async run(store) {
      const total = READ_PER_PAGE * 2 + 10
      const text = (n: number) => (n === 5 ? { key: 'needle' } : {})
      await store.runs.insert(range(total).map((n) => aRun(n, { createdAt: START_AT + Math.floor(n / 7), ...text(n) })))
      const pagesOf = async (filter: Partial<RunFilter>, order: 'newest' | 'oldest') => {
        const pages: number[] = []
        let cursor: string | undefined
        do {
          const slice = await store.runs.list({ namespace, ...filter, order, cursor, limit: 10 })
          pages.push(slice.items.length)
          cursor = slice.cursor
        } while (cursor !== undefined)
        return pages
      }
      for (const filter of [{ text: 'needle' }, { triggers: ['event'] }, { owners: ['i-9'] }, { states: ['succeeded'] }] as const) {
        const found = 'text' in filter ? 1 : 0
        assert.deepEqual(await pagesOf(filter, 'newest'), [0, 0, found], JSON.stringify(filter))
        assert.deepEqual(await pagesOf(filter, 'oldest'), [found, 0, 0], JSON.stringify(filter))
      }
      const first = await store.runs.count({ namespace, text: 'needle', atMost: 100 })
      assert.equal(first.count, 0)
      assert.equal(typeof first.cursor, 'string')
    },
  },
  {
    name: 'search: several states in one page that ends before its size, without a gap',
    async run(store) {
      const big = { message: 'm'.repeat(2_000), name: 'Error' }
      const runs = range(30).map((n) =>
        aRun(n, { state: n % 2 ? 'failed' : 'cancelled', queuedAt: null, error: big, createdAt: START_AT + Math.floor(n / 3) }),
      )
      await store.runs.insert(runs)
      const query = { namespace, states: ['failed', 'cancelled'], limit: 20, maxBytes: 10_000 } as const
      const first = await store.runs.list(query)
      assert.ok(first.items.length < 6, String(first.items.length))
      assert.deepEqual(await allOf((cursor) => store.runs.list({ ...query, cursor })), runs.toReversed().map(headOf))
    },
  },
]
