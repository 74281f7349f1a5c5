import assert from 'node:assert/strict'
import type { ConformanceCase } from './conformance-case.ts'
import { allOf, range } from './pages.ts'
import { aFinish, aJob, aLine, aRun, aStep, aTask, headOf, runId, taskHeadOf } from './records.ts'

const KIB = 1_024
/** JSON text of about so many bytes, half of them in letters of two. */
const text = (bytes: number, letter = 'x') => JSON.stringify(`${letter.repeat(bytes / 2)}${'ü'.repeat(bytes / 4)}`)
const ERROR = { name: 'Error', message: 'no', stack: 'at x '.repeat(2_000) }

export const SIZE_CASES: ConformanceCase[] = [
  {
    name: 'large: what is large comes back letter for letter, of every kind of record',
    async run(store) {
      const run = aRun(1, { payload: text(500 * KIB), items: text(9 * KIB), plan: { shards: 2 }, error: ERROR, job: 'report' })
      const task = aTask(run.id, 0, { item: text(60 * KIB), error: ERROR })
      const step = aStep(run.id, 0, { result: text(200 * KIB), error: ERROR })
      const job = aJob('report', { payload: text(100 * KIB), items: text(200 * KIB), plan: { shards: 2 } })
      await store.runs.insert([run, aRun(2)])
      await store.tasks.insert([task])
      await store.steps.insert([step])
      await store.jobs.insert(job)
      assert.deepEqual(await store.runs.get([run.id, runId(2)]), [run, aRun(2)])
      assert.deepEqual(await store.tasks.get([task.id]), [task])
      assert.deepEqual(await store.steps.get([step.id]), [step])
      assert.deepEqual(await store.jobs.get([job.id]), [job])
      assert.deepEqual(await store.runs.insert([aRun(1, { payload: text(300 * KIB, 'y') })]), ['duplicate'])
      assert.deepEqual(await store.runs.get([run.id]), [run])
    },
  },
  {
    name: 'large: a change makes what is large small and large again, and a refused one leaves it alone',
    async run(store) {
      const run = aRun(1, { payload: text(100 * KIB) })
      await store.runs.insert([run])
      const result = text(200 * KIB)
      const finish = aFinish(run.id, { set: { state: 'failed', result, error: ERROR, queuedAt: null } })
      assert.deepEqual(await store.runs.update([finish]), ['applied'])
      assert.deepEqual(await store.runs.get([run.id]), [{ ...run, ...finish.set }])
      const late = { ...finish, set: { result: text(50 * KIB, 'z') } }
      assert.deepEqual(await store.runs.update([late]), ['refused'])
      assert.deepEqual((await store.runs.get([run.id]))[0]?.result, result)
      for (const set of [{ result: null, error: null }, { result: text(20 * KIB, 'a') }, { result: '"small"' }]) {
        assert.deepEqual(await store.runs.update([{ id: run.id, expect: { state: ['failed'] }, set }]), ['applied'])
        assert.deepEqual((await store.runs.get([run.id]))[0]?.result, set.result)
      }
      const job = aJob('report', { payload: text(100 * KIB) })
      await store.jobs.insert(job)
      const changed = { ...job, payload: text(90 * KIB, 'b'), revision: 2 }
      assert.equal(await store.jobs.replace(changed, { revision: 1 }), 'applied')
      assert.equal(await store.jobs.replace({ ...job, payload: text(80 * KIB), revision: 3 }, { revision: 1 }), 'refused')
      assert.deepEqual(await store.jobs.get([job.id]), [changed])
      assert.equal(await store.jobs.remove(job.id, changed), 'applied')
      await store.jobs.insert(aJob('report'))
      assert.deepEqual(await store.jobs.get([job.id]), [aJob('report')])
    },
  },
  {
    name: 'get: more than any engine answers at once, without a limit',
    async run(store) {
      const runs = range(45).map((n) => aRun(n, { payload: text(500 * KIB) }))
      for (const n of range(9)) await store.runs.insert(runs.slice(n * 5, n * 5 + 5))
      assert.deepEqual(
        (await store.runs.get(runs.map(({ id }) => id))).map((run) => run?.payload.length),
        runs.map(({ payload }) => payload.length),
      )
    },
  },
  {
    name: 'heads: a record without what may be large, by id and in lists',
    async run(store) {
      const runs = range(5).map((n) => aRun(n, { payload: text(100 * KIB), result: text(20 * KIB), error: ERROR, items: '[1]' }))
      const tasks = range(5).map((n) => aTask('run-1', n, { item: text(10 * KIB), result: text(20 * KIB), error: ERROR }))
      await store.runs.insert(runs)
      await store.tasks.insert(tasks)
      const heads = runs.map(headOf)
      assert.deepEqual(await store.runs.heads([runId(3), 'nobody', runId(0)]), [heads[3], undefined, heads[0]])
      assert.deepEqual(await store.tasks.heads([tasks[1]!.id]), [taskHeadOf(tasks[1]!)])
      assert.deepEqual((await store.runs.list({ namespace: 'default', limit: 9 })).items, heads.toReversed())
      assert.deepEqual((await store.tasks.list({ runId: 'run-1', limit: 9 })).items, tasks.map(taskHeadOf))
      const short = await store.runs.list({ namespace: 'default', limit: 9, maxBytes: 2 * KIB })
      assert.ok(short.items.length > 1 && short.items.length < heads.length && short.cursor !== undefined)
      assert.deepEqual(short.items, heads.toReversed().slice(0, short.items.length))
    },
  },
  {
    name: 'get: as many as fit, in the order of the ids, one in any case',
    async run(store) {
      const runs = range(8).map((n) => aRun(n, { payload: text(100 * KIB) }))
      await store.runs.insert(runs)
      const ids = [...runs.map(({ id }) => id), 'nobody']
      assert.deepEqual(await store.runs.get(ids.toReversed(), 250 * KIB), [undefined, runs[7], runs[6]])
      assert.deepEqual(await store.runs.get(ids, 1), [runs[0]])
      assert.deepEqual(await store.runs.get(ids, 9_000 * KIB), [...runs, undefined])
      const jobs = range(4).map((n) => aJob(`job-${n}`, { payload: text(100 * KIB) }))
      for (const job of jobs) await store.jobs.insert(job)
      const jobIds = jobs.map(({ id }) => id)
      assert.deepEqual(await store.jobs.get(jobIds, 250 * KIB), jobs.slice(0, 2))
      assert.deepEqual(await store.jobs.get(jobIds), jobs)
    },
  },
  {
    name: 'pages: none is larger than asked for, and none is empty before the end',
    async run(store) {
      const sizes = [1, 300, 1, 1, 200, 200, 1, 1, 500, 500, 1]
      const tasks = sizes.map((kib, n) => aTask('run-1', n, { result: text(kib * KIB), state: 'succeeded' }))
      const steps = sizes.map((kib, n) => aStep('run-1', n, { result: text(kib * KIB) }))
      const jobs = sizes.map((kib, n) => aJob(`job-${String(n).padStart(2, '0')}`, { payload: text(kib * KIB) }))
      const lines = sizes.map((kib, n) => aLine('run-1', n, { fields: text(kib * KIB) }))
      await store.tasks.insert(tasks)
      await store.steps.insert(steps)
      for (const job of jobs) await store.jobs.insert(job)
      await store.logs.insert(lines)
      const most = { limit: 4, maxBytes: 450 * KIB }
      const pages: number[] = []
      const counted = <Page extends { items: readonly unknown[] }>(page: Page) => {
        pages.push(page.items.length)
        return page
      }
      const read = async (cursor: string | undefined) => counted(await store.tasks.listWhole({ runId: 'run-1', cursor, ...most }))
      assert.deepEqual(await allOf(read), tasks)
      assert.deepEqual(pages.splice(0), [4, 4, 1, 1, 1])
      const results = async (cursor: string | undefined) => counted(await store.tasks.results({ runId: 'run-1', cursor, ...most }))
      assert.deepEqual(
        await allOf(results),
        tasks.map(({ id, result }) => ({ id, result })),
      )
      assert.deepEqual(pages, [4, 4, 1, 1, 1])
      assert.deepEqual(await allOf((cursor) => store.steps.list({ taskId: 'run-1', cursor, ...most })), steps)
      assert.deepEqual(await allOf((cursor) => store.jobs.list({ namespace: 'default', cursor, ...most })), jobs)
      const query = { namespace: 'default', runId: 'run-1', order: 'oldest', ...most } as const
      assert.deepEqual(await allOf((cursor) => store.logs.query({ ...query, cursor })), lines)
      assert.deepEqual((await store.logs.query({ ...query, order: 'newest' })).items.length, 1)
    },
  },
]
