import assert from 'node:assert/strict'
import type { Store } from '../ports.ts'
import { SHARES } from '../shares.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { allOf, range } from './pages.ts'
import { aFinish, aJob, aRun, aStep, aTask, runId, START_AT } from './records.ts'

const ENDED = { state: 'succeeded', queuedAt: null, endedAt: START_AT + 20 } as const
const ALL_SHARES = range(SHARES)
const at = START_AT + 1_000
const mark = (store: Store, ns: readonly number[]) => store.retention.markRemoved({ ids: ns.map(runId), endedBefore: START_AT + 100, at })
const idsOf = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id)

export const RETENTION_CASES: ConformanceCase[] = [
  {
    name: 'retention: runs of a namespace or job by age, with what decides about them',
    async run(store) {
      const whole = {
        job: 'report',
        key: 'k',
        slot: START_AT,
        trigger: 'schedule',
        mode: 'shards',
        wakeAt: START_AT,
        parentTask: 'run-1',
      } as const
      await store.runs.insert([
        aRun(3, { ...ENDED, ...whole }),
        aRun(1, { job: 'other' }),
        aRun(2),
        aRun(9),
        aRun(0, { namespace: 'shop' }),
      ])
      const query = { namespace: 'default', createdBefore: START_AT + 9, limit: 2 }
      const runs = await allOf((cursor) => store.retention.runs({ ...query, cursor }))
      assert.deepEqual(idsOf(runs), [1, 2, 3].map(runId))
      const { id, share, createdAt } = aRun(3)
      assert.deepEqual({ ...runs[2] }, { id, share, createdAt, ...whole, state: 'succeeded', endedAt: ENDED.endedAt })
      const ofJob = await store.retention.runs({ ...query, job: 'other' })
      assert.deepEqual(idsOf(ofJob.items), [runId(1)])
      assert.equal(await store.retention.nextNamespace(''), 'default')
      assert.equal(await store.retention.nextNamespace('default'), 'shop')
      assert.equal(await store.retention.nextNamespace('shop'), undefined)
    },
  },
  {
    name: 'retention: the newest runs of a job by rank, and where its schedule is',
    async run(store) {
      await store.runs.insert(range(5).map((n) => aRun(n, { ...ENDED, job: 'report', createdAt: START_AT + Math.floor(n / 2) })))
      const newest = (rank: number) => store.retention.newest({ namespace: 'default', job: 'report', rank })
      assert.deepEqual({ ...(await newest(1)) }, { id: runId(4), createdAt: START_AT + 2 })
      assert.deepEqual({ ...(await newest(2)) }, { id: runId(3), createdAt: START_AT + 1 })
      assert.equal(await newest(6), undefined)
      await mark(store, [4])
      assert.equal((await newest(1))?.id, runId(3))
      await store.jobs.insert(aJob('report', { nextSlotAt: START_AT + 5 }))
      await store.jobs.insert(aJob('idle', { nextSlotAt: null }))
      const found = await store.retention.schedules(['default/idle', 'default/nobody', 'default/report'])
      assert.deepEqual(
        found.map((job) => job && { ...job }),
        [{ id: 'default/idle', nextSlotAt: null }, undefined, { id: 'default/report', nextSlotAt: START_AT + 5 }],
      )
    },
  },
  {
    name: 'retention: only what is ended for long, and asks for nothing more, becomes a tombstone',
    async run(store) {
      await store.runs.insert([
        aRun(1, ENDED),
        aRun(2),
        aRun(3, { ...ENDED, endedAt: START_AT + 100 }),
        aRun(4, { ...ENDED, wakeAt: START_AT + 50 }),
        aRun(5, { ...ENDED, state: 'skipped' }),
      ])
      assert.deepEqual(idsOf(await mark(store, [1, 2, 3, 4, 5, 6])), [1, 5].map(runId))
      assert.deepEqual(await mark(store, []), [])
      const left = await store.runs.get(range(5, 1).map(runId))
      assert.deepEqual(
        left.map((run) => run !== undefined),
        [false, true, true, true, false],
      )
    },
  },
  {
    name: 'retention: a tombstone is in no list, takes no change, and keeps its id taken',
    async run(store) {
      const asked = { job: '"report"', payload: '#x' }
      const run = aRun(1, { ...ENDED, job: 'report', key: 'order-1', asked, result: '{"a":1}', error: { name: 'Error', message: 'x' } })
      await store.runs.insert([run])
      await mark(store, [1])
      assert.deepEqual(await store.runs.insert([run]), ['duplicate'])
      const change = {
        expect: { state: ['succeeded', 'queued'] as const, attempt: 1 },
        set: { state: 'queued' as const, queuedAt: START_AT },
      }
      assert.deepEqual(await store.runs.update([{ id: run.id, ...change }, aFinish(run.id)]), ['refused', 'refused'])
      for (const filter of [{}, { job: 'report' }, { state: 'succeeded' as const }, { job: 'report', state: 'succeeded' as const }])
        assert.deepEqual((await store.runs.list({ namespace: 'default', ...filter, limit: 10 })).items, [])
      assert.deepEqual((await store.retention.runs({ namespace: 'default', createdBefore: at, limit: 10 })).items, [])
      assert.deepEqual(await store.runs.due({ until: at * 2, shares: ALL_SHARES, limit: 10 }), [])
      const [there, none] = await store.retention.tombstones([run.id, runId(2)])
      const { id, namespace, job, handler, mode, trigger, key, endedAt } = run
      assert.deepEqual({ ...there }, { id, namespace, job, handler, mode, trigger, key, asked, endedAt, removedAt: at, forgetAt: at })
      assert.equal(none, undefined)
    },
  },
  {
    name: 'retention: tombstones expire by share, are remembered longer, and are forgotten; a run is not',
    async run(store) {
      await store.runs.insert(range(4).map((n) => aRun(n, { ...ENDED, share: n })))
      await mark(store, [0, 1, 2])
      const expired = async (until: number, shares: readonly number[] = ALL_SHARES) =>
        idsOf(await store.retention.expired({ until, shares, limit: 10 }))
      assert.deepEqual(await expired(at - 1), [])
      assert.deepEqual(await expired(at), [0, 1, 2].map(runId))
      assert.deepEqual(await expired(at, [0, 2, 3]), [0, 2].map(runId))
      await store.retention.remember({ ids: [runId(0), runId(3)], until: at + 10 })
      assert.deepEqual(await expired(at), [1, 2].map(runId))
      assert.deepEqual(await expired(at + 10), [1, 2, 0].map(runId))
      assert.equal(await store.retention.forget([0, 1, 3, 7].map(runId)), 2)
      assert.deepEqual(await store.runs.insert([aRun(1), aRun(2), aRun(3)]), ['created', 'duplicate', 'duplicate'])
    },
  },
  {
    name: 'retention: tasks and steps go with their run, a page at a time, and those of no other',
    async run(store) {
      const [run, other] = [runId(1), runId(2)]
      await store.tasks.insert([...range(7).map((n) => aTask(run, n)), aTask(other, 0)])
      await store.steps.insert([...range(3).map((n) => aStep(run, n)), ...range(2).map((n) => aStep(aTask(run, 0).id, n)), aStep(other, 0)])
      assert.equal(await store.retention.countTasks([run, other]), 8)
      assert.equal(await store.retention.countSteps([run]), 5)
      const removed = []
      for (let i = 0; i < 3; i++) removed.push(await store.retention.removeTasks({ runIds: [run, runId(3)], limit: 5 }))
      assert.deepEqual(removed, [5, 2, 0])
      assert.equal(await store.retention.removeSteps({ runIds: [run], limit: 100 }), 5)
      assert.equal(await store.retention.removeSteps({ runIds: [], limit: 100 }), 0)
      assert.deepEqual([await store.retention.countTasks([run, other]), await store.retention.countSteps([run, other])], [1, 1])
      assert.deepEqual([await store.retention.countTasks([]), await store.retention.countSteps([])], [0, 0])
    },
  },
  {
    name: 'retention: tasks and steps whose run is not there are found, so many runs at a time',
    async run(store) {
      const [there, removed, gone, lost] = [1, 2, 3, 4].map(runId) as [string, string, string, string]
      await store.runs.insert([aRun(1), aRun(2, ENDED)])
      await mark(store, [2])
      const tasks = [there, removed, gone, lost].flatMap((run) => [aTask(run, 0), aTask(run, 1)])
      await store.tasks.insert(tasks)
      await store.steps.insert([aStep(there, 0), aStep(gone, 0), aStep(aTask(lost, 0).id, 0)])
      const first = await store.retention.orphans({ of: 'tasks', after: '', limit: 3 })
      assert.deepEqual(first, { runIds: [gone], after: gone })
      assert.deepEqual(await store.retention.orphans({ of: 'tasks', after: gone, limit: 3 }), { runIds: [lost] })
      assert.deepEqual(await store.retention.orphans({ of: 'steps', after: '', limit: 9 }), { runIds: [gone, lost] })
      assert.deepEqual(await store.retention.orphans({ of: 'steps', after: lost, limit: 9 }), { runIds: [] })
    },
  },
  {
    name: 'retention: a restart and a removal of the same run at the same time: one of them wins',
    async run(store, context) {
      const other = await context.openAnother()
      await store.runs.insert(range(50).map((n) => aRun(n, ENDED)))
      const ids = range(50)
      const restart = {
        expect: { state: ['succeeded'] as const, attempt: 1 },
        set: { state: 'queued' as const, attempt: 2, endedAt: null },
      }
      const [removed, restarted] = await Promise.all([
        mark(store, ids),
        other.runs.update(ids.toReversed().map((n) => ({ id: runId(n), ...restart }))),
      ])
      const kept = (await store.runs.get(ids.map(runId))).filter((run) => run !== undefined)
      assert.equal(removed.length + kept.length, 50)
      assert.equal(kept.length, restarted.filter((outcome) => outcome === 'applied').length)
      assert.ok(kept.every((run) => run?.state === 'queued'))
    },
  },
]
