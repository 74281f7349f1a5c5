import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { StartedRun } from '@carillon/contracts'
import { exerciseService, settle } from '@carillon/runtime/testing'
import { type RunRecord, SHARES } from '@carillon/store'
import { aChange, aJob, aRun, aStep, aTask, runId } from '@carillon/store/testing'
import { createTestCoordinator, type TestCoordinator } from '../testing/test-coordinator.ts'
import { CautiousTime } from './cautious-time.ts'
import { Pace } from './pace.ts'
import { PruneRuns } from './prune-runs.ts'
import { RemoveRuns } from './remove-runs.ts'
import { DEFAULT_RETENTION, type RetentionPolicy } from './retention-rules.ts'
import { Sweeper } from './sweeper.ts'

const DAY_MS = 86_400_000
const ALL_SHARES = Array.from({ length: SHARES }, (_, share) => share)

interface Options {
  readonly policy?: Partial<RetentionPolicy>
  readonly shares?: readonly number[]
}

/** A coordinator whose sweeper a test runs; time passes as the test says. */
async function begin(context: TestContext, { policy, shares = ALL_SHARES }: Options = {}) {
  const coordinator = await createTestCoordinator(context)
  const { store, clock, log } = coordinator
  const waiting = { since: Number.POSITIVE_INFINITY, countedUntil: Number.POSITIVE_INFINITY }
  const ground = {
    ...{ store, clock, log, policy: { ...DEFAULT_RETENTION, ...policy } },
    ...{ remove: new RemoveRuns({ store }), time: new CautiousTime(clock), unappliedSince: async () => waiting.since },
    countedUntil: async () => waiting.countedUntil,
  }
  const sweeper = new Sweeper({ ...ground, shares: () => shares })
  const prune = new PruneRuns({ ...ground, stopping: new AbortController().signal })
  context.after(() => sweeper.stop())
  const sweep = async () => {
    await sweeper.start()
    await clock.advance(120_000)
    await sweeper.stop()
  }
  return { ...coordinator, sweeper, sweep, prune, waiting }
}

/** Runs that ended two days ago. */
function oldRuns(clock: { now(): number }, ns: readonly number[], fields: Partial<RunRecord> = {}): RunRecord[] {
  const endedAt = clock.now() - 2 * DAY_MS
  return ns.map((n) =>
    aRun(n, { state: 'succeeded', reason: 'completed', queuedAt: null, createdAt: endedAt - 1_000 + n, endedAt: endedAt + n, ...fields }),
  )
}

const range = (length: number, from = 0) => Array.from({ length }, (_, i) => from + i)
async function kept({ store }: Pick<TestCoordinator, 'store'>, ns: readonly number[]): Promise<number[]> {
  const found = await store.runs.get(ns.map(runId))
  return ns.filter((_, i) => found[i] !== undefined)
}

test('beyond the newest 20 of a job runs go when they are old; of none when they are old; open ones never', async (context) => {
  const mesh = await begin(context)
  const { store, clock } = mesh
  await store.jobs.insert(aJob('report', { nextSlotAt: null }))
  await store.runs.insert(oldRuns(clock, range(250), { job: 'report' }))
  await store.runs.insert(oldRuns(clock, range(250, 300)))
  await store.runs.insert(oldRuns(clock, range(30, 600), { namespace: 'shop' }))
  await store.runs.insert([aRun(700, { createdAt: 1 }), ...oldRuns(clock, [701], { wakeAt: clock.now() + DAY_MS })])
  await store.runs.insert(oldRuns(clock, [702], { endedAt: clock.now() - 1_000 }))
  await mesh.sweep()
  assert.deepEqual(await kept(mesh, range(710)), [...range(20, 230), 700, 701, 702])
  assert.deepEqual(await store.retention.tombstones(range(710).map(runId)), Array(710).fill(undefined), 'nothing of them is left')
  assert.ok(mesh.lines.some(({ evt, runs }) => evt === 'retention.swept' && runs === 510))
  assert.match(mesh.sweeper.describe(), /^the last sweep removed/)
})

test('runs of a job that was removed go with their age', async (context) => {
  const mesh = await begin(context)
  await mesh.store.runs.insert(oldRuns(mesh.clock, range(5), { job: 'gone' }))
  await mesh.sweep()
  assert.deepEqual(await kept(mesh, range(5)), [])
})

test('with a run go its tasks and steps, and nothing else does', async (context) => {
  const mesh = await begin(context)
  const { store, clock } = mesh
  await store.runs.insert([...oldRuns(clock, [1], { mode: 'shards' }), ...oldRuns(clock, [2]), aRun(3, { mode: 'shards' })])
  await store.tasks.insert([...range(1_200).map((n) => aTask(runId(1), n)), aTask(runId(3), 0)])
  await store.steps.insert([aStep(aTask(runId(1), 0).id, 0), ...range(3).map((n) => aStep(runId(2), n)), aStep(runId(3), 0)])
  await mesh.sweep()
  assert.deepEqual(await kept(mesh, [1, 2, 3]), [3])
  assert.deepEqual(await store.retention.countTasks([1, 2, 3].map(runId)), 1)
  assert.deepEqual(await store.retention.countSteps([1, 2, 3].map(runId)), 1)
})

test('what a crash leaves of a run is found by the next sweep, also by another coordinator', async (context) => {
  const mesh = await begin(context)
  const { store, clock } = mesh
  await store.runs.insert(oldRuns(clock, range(3), { mode: 'shards' }))
  await store.tasks.insert(range(3).map((n) => aTask(runId(n), 0)))
  const removeTasks = store.retention.removeTasks.bind(store.retention)
  store.retention.removeTasks = () => Promise.reject(new Error('killed'))
  await mesh.sweep()
  assert.throws(() => mesh.sweeper.describe(), /killed/)
  assert.deepEqual(await kept(mesh, range(3)), [], 'nobody sees them, or can restart them, from the first write on')
  await assert.rejects(mesh.changeRuns.retry('default', { runId: runId(0) }), { code: 'RUN_REMOVED' })
  assert.equal(await store.retention.countTasks(range(3).map(runId)), 3)
  store.retention.removeTasks = removeTasks
  await mesh.sweep()
  assert.equal(await store.retention.countTasks(range(3).map(runId)), 0)
  assert.deepEqual(await store.retention.tombstones(range(3).map(runId)), [undefined, undefined, undefined])
})

test('a child run is kept for as long as the run that it is within (47)', async (context) => {
  const mesh = await begin(context)
  const { store, clock } = mesh
  const recent = { createdAt: clock.now() - 3 * DAY_MS, endedAt: clock.now() - 1_000 }
  await store.runs.insert([
    ...oldRuns(clock, [1, 2], recent),
    ...oldRuns(clock, [11], { parentTask: `${runId(1)}-n000g1` }),
    ...oldRuns(clock, [12], { parentTask: runId(2) }),
    ...oldRuns(clock, [13], { parentTask: runId(3) }),
  ])
  await mesh.sweep()
  assert.deepEqual(await kept(mesh, range(20)), [1, 2, 11, 12])
  await clock.advance(DAY_MS)
  await mesh.sweep()
  await mesh.sweep()
  assert.deepEqual(await kept(mesh, range(20)), [])
})

test('tasks and steps that were written after their run had gone are removed', async (context) => {
  const mesh = await begin(context)
  const { store } = mesh
  await store.runs.insert([aRun(1, { mode: 'shards' })])
  await store.tasks.insert([aTask(runId(1), 0), aTask(runId(2), 0)])
  await store.steps.insert([aStep(runId(1), 0), aStep(runId(3), 0)])
  await mesh.sweep()
  assert.equal(await store.retention.countTasks([1, 2].map(runId)), 1)
  assert.equal(await store.retention.countSteps([1, 3].map(runId)), 1)
})

test('a key starts no second run for 30 days after its run was removed, and then it does', async (context) => {
  const mesh = await begin(context)
  const { clock, startRuns, runs } = mesh
  const start = async (request: object) => {
    const [outcome] = await startRuns.execute([{ namespace: 'default', request, bytes: 0, trigger: 'call', traceparent: undefined }])
    await settle()
    return outcome as StartedRun & { code?: string }
  }
  const first = await start({ handler: 'hello', key: 'order-1' })
  const [run] = (await mesh.store.runs.get([first.runId])) as [RunRecord]
  const end = { state: 'succeeded', reason: 'completed', queuedAt: null, endedAt: clock.now() } as const
  await runs.write([{ run, decision: { event: 'succeeded', expect: { state: ['queued'] }, set: end } }])
  await clock.advance(DAY_MS + 1)
  await mesh.sweep()
  await assert.rejects(mesh.readRuns.get('default', first.runId), {
    code: 'RUN_REMOVED',
    message: /of hello ended 2026-01-01T.*removed 2026-01-02T/,
  })
  await assert.rejects(mesh.readRuns.get('other', first.runId), { code: 'RUN_NOT_FOUND' })
  await assert.rejects(mesh.changeRuns.cancel('default', first.runId), { code: 'RUN_REMOVED' })
  assert.deepEqual(await start({ handler: 'hello', key: 'order-1' }), { runId: first.runId, created: false })
  assert.equal((await start({ handler: 'other', key: 'order-1' })).code, 'KEY_CONFLICT')
  assert.equal((await start({ handler: 'hello', key: 'order-1', payload: 7 })).code, 'KEY_CONFLICT', 'what was said is remembered, too')
  await clock.advance(29 * DAY_MS)
  await mesh.sweep()
  assert.equal((await start({ handler: 'hello', key: 'order-1' })).created, false)
  await clock.advance(DAY_MS)
  await mesh.sweep()
  assert.deepEqual(await start({ handler: 'hello', key: 'order-1' }), { runId: first.runId, created: true })
})

test('an id that its caller may repeat stays taken for a day, also where runs are kept for minutes', async (context) => {
  const mesh = await begin(context, { policy: { runMs: 120_000 } })
  const { clock, store } = mesh
  const endedAt = clock.now() - 3_600_000
  await store.runs.insert(oldRuns(clock, range(2), { createdAt: endedAt, endedAt }))
  await store.runs.insert(oldRuns(clock, [2], { createdAt: endedAt, endedAt, trigger: 'schedule', slot: endedAt }))
  await mesh.sweep()
  assert.deepEqual(await kept(mesh, range(3)), [])
  assert.deepEqual(await store.runs.insert(range(3).map((n) => aRun(n))), ['duplicate', 'duplicate', 'created'])
  await clock.advance(DAY_MS)
  await mesh.sweep()
  assert.deepEqual(await store.runs.insert(range(2).map((n) => aRun(n))), ['created', 'created'])
})

test('a slot fires once: its run was stored, the job not moved, and the mesh was down for two days', async (context) => {
  const mesh = await begin(context, { policy: { keepPerJob: 0 } })
  const { clock, store, fireSlots } = mesh
  await store.jobs.insert(aJob('report', { nextSlotAt: clock.now(), schedule: { everyMs: 10 * DAY_MS } }))
  const advance = store.jobs.advance.bind(store.jobs)
  store.jobs.advance = () => Promise.reject(new Error('killed'))
  await assert.rejects(fireSlots.execute(['default/report']), /killed/)
  store.jobs.advance = advance
  const runs = async () => (await store.runs.list({ namespace: 'default', limit: 10 })).items
  const [run] = (await runs()) as [RunRecord]
  await store.runs.update([
    { id: run.id, expect: { state: ['queued'] }, set: { state: 'succeeded', queuedAt: null, endedAt: clock.now() } },
  ])
  await clock.advance(2 * DAY_MS)
  await mesh.sweep()
  assert.equal((await runs()).length, 1, 'its record is all that keeps the slot from being fired')
  await fireSlots.execute(['default/report'])
  assert.deepEqual(
    (await runs()).map(({ id, state }) => [id, state]),
    [[run.id, 'succeeded']],
  )
  await mesh.sweep()
  assert.deepEqual(await runs(), [], 'the job has moved on')
})

test('runs stay while messages wait that may have made or ended them, and while the broker cannot tell', async (context) => {
  const mesh = await begin(context)
  const { clock, store } = mesh
  await store.runs.insert(oldRuns(clock, range(3)))
  mesh.waiting.since = clock.now() - 3 * DAY_MS
  await mesh.sweep()
  assert.equal((await kept(mesh, range(3))).length, 3)
  mesh.waiting.since = Number.POSITIVE_INFINITY
  await mesh.sweep()
  assert.deepEqual(await kept(mesh, range(3)), [])
})

test('a clock that runs two days ahead for a while removes nothing', async (context) => {
  const mesh = await begin(context)
  const { clock, store } = mesh
  await store.runs.insert(oldRuns(clock, range(3), { createdAt: clock.now() - 1_000, endedAt: clock.now() - 1_000 }))
  clock.set(clock.now() + 2 * DAY_MS)
  await mesh.sweep()
  assert.equal((await kept(mesh, range(3))).length, 3)
  clock.set(clock.now() - 2 * DAY_MS)
  await clock.advance(DAY_MS)
  await mesh.sweep()
  assert.deepEqual(await kept(mesh, range(3)), [])
})

test('each coordinator removes what is in its shares', async (context) => {
  const mesh = await begin(context, { shares: range(SHARES / 2) })
  await mesh.store.runs.insert(range(SHARES).flatMap((n) => oldRuns(mesh.clock, [n], { share: n })))
  await mesh.sweep()
  assert.deepEqual(await kept(mesh, range(SHARES)), range(SHARES / 2, SHARES / 2))
})

test('on request runs of a job are removed by limits of its own, or counted', async (context) => {
  const mesh = await begin(context)
  const { clock, store, prune } = mesh
  await store.jobs.insert(aJob('report', { nextSlotAt: null }))
  const endedAt = clock.now() - 3_600_000
  await store.runs.insert(oldRuns(clock, range(30), { job: 'report', endedAt }))
  await store.runs.insert([...oldRuns(clock, [40], { key: 'k', mode: 'shards', createdAt: endedAt, endedAt }), aRun(50)])
  await store.tasks.insert([aTask(runId(40), 0)])
  await store.steps.insert([aStep(runId(1), 0)])
  const ask = async (request: Parameters<PruneRuns['execute']>[1]) => {
    const answer = prune.execute('default', request)
    await clock.advance(60_000)
    return (await answer).removed
  }
  assert.deepEqual(await ask({}), { runs: 0, tasks: 0, steps: 0, remembered: 0 })
  assert.deepEqual(await ask({ dryRun: true, olderThanMs: 60_000 }), { runs: 11, tasks: 1, steps: 1, remembered: 11 })
  assert.deepEqual(await ask({ olderThanMs: 60_000, job: 'report', keep: 25 }), { runs: 5, tasks: 0, steps: 1, remembered: 5 })
  assert.deepEqual(await kept(mesh, range(60)), [...range(25, 5), 40, 50])
  assert.deepEqual(await ask({ olderThanMs: 60_000, keep: 0 }), { runs: 26, tasks: 1, steps: 0, remembered: 26 })
  assert.deepEqual(await kept(mesh, range(60)), [50])
})

test('the store has most of the time to itself', async (context) => {
  const { clock } = await createTestCoordinator(context)
  const pace = new Pace(clock, new AbortController().signal)
  let isDone = false
  const work = pace.write(async () => clock.set(clock.now()))
  void work.then(() => (isDone = true))
  await clock.advance(1)
  assert.equal(isDone, false)
  await clock.advance(1)
  assert.equal(isDone, true)
})

test('the sweeper starts and stops as every service does', async (context) => {
  const { sweeper, clock } = await begin(context)
  await exerciseService(sweeper, { isActive: () => clock.armed > 0 })
})

test('changes of jobs go after a year, by one coordinator', async (context) => {
  const others = await begin(context, { shares: [1] })
  const mesh = await begin(context)
  for (const { store, clock, sweep } of [others, mesh]) {
    const now = clock.now()
    for (const revision of range(700, 1)) await store.changes.insert(aChange(revision, { at: now - 366 * DAY_MS }))
    await store.changes.insert(aChange(701, { at: now - 364 * DAY_MS }))
    await sweep()
  }
  const left = async ({ store }: Pick<TestCoordinator, 'store'>) =>
    (await store.changes.list({ jobId: 'default/report', below: Number.POSITIVE_INFINITY, limit: 1_000 })).items.length
  assert.deepEqual([await left(others), await left(mesh)], [701, 1])
})
