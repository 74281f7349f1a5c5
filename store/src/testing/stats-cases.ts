import assert from 'node:assert/strict'
import type { ConformanceCase } from './conformance-case.ts'
import { range } from './pages.ts'
import { aRollup, aRun, aTask, runId, START_AT } from './records.ts'

const MINUTE_MS = 60_000

export const STATS_CASES: ConformanceCase[] = [
  {
    name: 'stats: put inserts and replaces, each if the revision is as expected; one that is refused does not affect the others',
    async run({ stats }) {
      const at = (n: number) => START_AT + n * MINUTE_MS
      const first = range(3).map((n) => ({ rollup: aRollup(1, { start: at(n) }), expect: null }))
      assert.deepEqual(await stats.put(first), ['applied', 'applied', 'applied'])
      const outcomes = await stats.put([
        { rollup: aRollup(5, { start: at(0), revision: 2 }), expect: 1 },
        { rollup: aRollup(6, { start: at(1), revision: 8 }), expect: 7 },
        { rollup: aRollup(7, { start: at(2), revision: 2 }), expect: null },
        { rollup: aRollup(8, { start: at(3), revision: 2 }), expect: 1 },
        { rollup: aRollup(9, { start: at(4) }), expect: null },
      ])
      assert.deepEqual(outcomes, ['applied', 'refused', 'refused', 'refused', 'applied'])
      const ids = range(5).map((n) => aRollup(0, { start: at(n) }).id)
      assert.deepEqual(await stats.get(ids), [
        aRollup(5, { start: at(0), revision: 2 }),
        aRollup(1, { start: at(1) }),
        aRollup(1, { start: at(2) }),
        undefined,
        aRollup(9, { start: at(4) }),
      ])
    },
  },
  {
    name: 'stats: of 16 that put the same revision one wins, also of the first',
    async run(store, context) {
      const stores = [store, await context.openAnother()]
      for (const expect of [null, 1]) {
        const puts = range(16).map((n) => stores[n % 2]!.stats.put([{ rollup: aRollup(n, { revision: (expect ?? 0) + 1 }), expect }]))
        const outcomes = (await Promise.all(puts)).flat()
        assert.equal(outcomes.filter((outcome) => outcome === 'applied').length, 1)
        assert.equal((await store.stats.get([aRollup(0).id]))[0]?.upTo, outcomes.indexOf('applied'))
      }
    },
  },
  {
    name: 'stats: a series is of one scope and level; sums are of all but `*`, the most failures first; what is old is removed by level',
    async run({ stats }) {
      const scopes = ['*', 'job:report', 'job:report2', 'handler:report']
      const rollups = scopes.flatMap((scope, i) =>
        range(4).map((n) => aRollup(n + i, { scope, start: START_AT + n * MINUTE_MS, runMaxMs: n * 10 })),
      )
      const others = [
        aRollup(9, { namespace: 'default2' }),
        aRollup(9, { level: 'hour' }),
        aRollup(9, { level: 'mark', scope: 'mark', start: 0 }),
      ]
      await stats.put([...rollups, ...others].map((rollup) => ({ rollup, expect: null })))
      const query = { namespace: 'default', level: 'minute', from: START_AT + MINUTE_MS, before: START_AT + 3 * MINUTE_MS } as const
      const series = await stats.series({ ...query, scope: 'job:report' })
      assert.deepEqual(series, rollups.slice(5, 7))
      const sum = (n: number) => ({ ended: 2 * n + 3, failed: 2 * n + 3, runCount: 2 * n + 3, runSumMs: 10 * (2 * n + 3), runMaxMs: 20 })
      assert.deepEqual(await stats.sums({ ...query, limit: 2 }), [
        { scope: 'handler:report', ...sum(3) },
        { scope: 'job:report2', ...sum(2) },
      ])
      assert.equal((await stats.sums({ ...query, limit: 10 })).length, 3)
      assert.equal(await stats.removeOlder({ level: 'minute', before: START_AT + 2 * MINUTE_MS, limit: 5 }), 5)
      assert.equal(await stats.removeOlder({ level: 'minute', before: START_AT + 2 * MINUTE_MS, limit: 50 }), 4)
      assert.equal((await stats.sums({ ...query, limit: 10 }))[0]?.failed, 5)
      assert.deepEqual(
        (await stats.get(others.map(({ id }) => id))).map((one) => one?.level),
        [undefined, 'hour', 'mark'],
      )
    },
  },
  {
    name: 'stats: open runs and tasks are read by what holds them, in order',
    async run(store) {
      const runs = [
        aRun(1, { queuedAt: START_AT + 2 }),
        aRun(2, { queuedAt: START_AT + 1, namespace: 'other' }),
        aRun(3, { state: 'delayed', queuedAt: null, wakeAt: START_AT + 9 }),
        aRun(4, { state: 'running', queuedAt: null, wakeAt: START_AT + 5 }),
        aRun(5, { state: 'waiting', queuedAt: null, wakeAt: null, gate: 'gate-1', gateKey: '"a"', gateOrder: 2, reason: 'gate' }),
        aRun(6, { state: 'waiting', queuedAt: null, wakeAt: null, gate: 'gate-1', gateKey: '"a"', gateOrder: 1 }),
        aRun(7, { state: 'paused', queuedAt: null, wakeAt: null, reason: 'paused' }),
        aRun(8, { state: 'succeeded', queuedAt: null, wakeAt: null, endedAt: START_AT }),
      ]
      await store.runs.insert(runs)
      await store.tasks.insert([
        aTask(runId(1), 0, { state: 'queued', queuedAt: START_AT + 3 }),
        aTask(runId(1), 1, { state: 'running', queuedAt: null, wakeAt: START_AT }),
      ])
      const ids = async (by: 'queued' | 'due' | 'waiting' | 'paused', limit = 10) =>
        (await store.stats.openRuns({ by, limit })).map(({ id }) => id)
      assert.deepEqual(await ids('queued'), [runId(2), runId(1)])
      assert.deepEqual(await ids('queued', 1), [runId(2)])
      assert.deepEqual(await ids('due'), [runId(4), runId(3)])
      assert.deepEqual(await ids('waiting'), [runId(6), runId(5)])
      const [paused] = await store.stats.openRuns({ by: 'paused', limit: 10 })
      const { id, namespace, job, handler, mode, createdAt } = runs[6]!
      const rest = { state: 'paused', reason: 'paused', gate: null, gateKey: null, queuedAt: null } as const
      assert.deepEqual(paused, { id, namespace, job, handler, mode, createdAt, ...rest })
      assert.deepEqual(
        (await store.stats.openTasks({ by: 'queued', limit: 10 })).map(({ state, queuedAt }) => [state, queuedAt]),
        [['queued', START_AT + 3]],
      )
      assert.equal((await store.stats.openTasks({ by: 'due', limit: 10 }))[0]?.state, 'running')
    },
  },
]
