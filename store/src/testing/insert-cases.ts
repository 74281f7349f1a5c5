import assert from 'node:assert/strict'
import type { ConformanceCase } from './conformance-case.ts'
import { range } from './pages.ts'
import { aJob, aRun, aTask, runId, START_AT } from './records.ts'

export const INSERT_CASES: ConformanceCase[] = [
  {
    name: 'runs, tasks and jobs come back as they were stored',
    async run(store) {
      const run = aRun(1, {
        job: 'report',
        key: 'order-1',
        slot: START_AT,
        timeoutMs: 5_000,
        mode: 'shards',
        plan: { shards: 2, maxParallel: 1, tolerate: '5%' },
        items: '[1,{"a":2}]',
        traceparent: '00-1-2-01',
        backoff: { type: 'fixed', delayMs: 0 },
        progress: { percent: 12.5, note: 'half' },
        error: { name: 'Error', message: 'no', stack: 'at x', retryable: false, retryAfterMs: 10 },
        wakeAt: START_AT,
        result: 'null',
        endedAt: 0,
      })
      const task = aTask(run.id, 0, { total: 2, item: '{"a":2}', target: null })
      const job = aJob('report', { schedule: { cron: '0 9 * * *', timezone: 'Europe/Paris' }, description: 'daily' })
      assert.deepEqual(await store.runs.insert([run, aRun(2)]), ['created', 'created'])
      assert.deepEqual(await store.tasks.insert([task]), ['created'])
      assert.equal(await store.jobs.insert(job), 'created')
      assert.deepEqual(await store.runs.get([run.id, 'nobody-knows-this', runId(2)]), [run, undefined, aRun(2)])
      assert.deepEqual(await store.tasks.get([task.id]), [task])
      assert.deepEqual(await store.jobs.get([job.id]), [job])
    },
  },
  {
    name: 'a duplicate id is an outcome of its item and changes nothing',
    async run(store) {
      await store.runs.insert([aRun(1), aRun(3)])
      const again = [aRun(0), aRun(1, { payload: '"other"' }), aRun(2), aRun(3), aRun(2, { payload: '"second"' })]
      assert.deepEqual(await store.runs.insert(again), ['created', 'duplicate', 'created', 'duplicate', 'duplicate'])
      const stored = await store.runs.get(range(4).map(runId))
      assert.deepEqual(
        stored,
        range(4).map((n) => aRun(n)),
      )
      const job = aJob('report')
      await store.jobs.insert(job)
      assert.equal(await store.jobs.insert({ ...job, handler: 'other' }), 'duplicate')
      assert.deepEqual(await store.jobs.get([job.id]), [job])
    },
  },
  {
    name: 'a bulk of 1,000 has its outcomes in the order of the input, whatever the order of the ids',
    async run(store) {
      const runs = range(1_000).map((n) => aRun((n * 7) % 1_000))
      await store.runs.insert(runs.filter((_, i) => i % 3 === 0))
      const outcomes = await store.runs.insert(runs)
      assert.deepEqual(
        outcomes,
        runs.map((_, i) => (i % 3 === 0 ? 'duplicate' : 'created')),
      )
      assert.deepEqual(await store.runs.get(runs.map((run) => run.id)), runs)
    },
  },
  {
    name: 'nothing to do is done at once',
    async run(store) {
      assert.deepEqual(await store.runs.insert([]), [])
      assert.deepEqual(await store.runs.update([]), [])
      assert.deepEqual(await store.runs.get([]), [])
      assert.deepEqual(await store.jobs.advance([]), [])
      await store.logs.insert([])
      assert.deepEqual(await store.runs.due({ until: START_AT, shares: [], limit: 10 }), [])
    },
  },
  {
    name: 'two writers that insert the same runs at once create each of them once',
    async run(store, context) {
      const others = [store, await context.openAnother(), await context.openAnother(), await context.openAnother()]
      const runs = range(50).map((n) => aRun(n))
      const outcomes = await Promise.all(range(16).map((i) => others[i % 4]!.runs.insert(i % 2 === 0 ? runs : runs.toReversed())))
      const created = outcomes.flat().filter((outcome) => outcome === 'created')
      assert.equal(created.length, runs.length)
    },
  },
]
