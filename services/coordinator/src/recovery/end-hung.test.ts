import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Beat, beatSchema } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import { aRun, aTask } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

const MINUTE_MS = 60_000
const SESSION = 's1'

/** The record of a run that instance i-1 runs. */
const RUNNING = {
  state: 'running',
  owner: 'i-1',
  ownerSession: SESSION,
  startedAt: 1,
  wakeAt: 9e12,
  queuedAt: null,
  job: 'report',
} as const
const beatOf = (idleMs: number | undefined, session: string | undefined = SESSION): Beat =>
  beatSchema.parse({ running: 1, idleMs, session })

/** Runs of the job that took a minute each. */
async function withSuccesses({ store, clock }: TestCoordinator, job = 'report'): Promise<void> {
  const endedAt = clock.now()
  const ended = { job, state: 'succeeded', reason: 'completed', queuedAt: null, startedAt: endedAt - MINUTE_MS, endedAt } as const
  await store.runs.insert([aRun(901, ended), aRun(902, ended)])
}

/** The instance says so in its heartbeat. */
async function beats({ endHung, clock }: TestCoordinator, idleMs: number | undefined, session?: string): Promise<void> {
  await clock.advance(3_000)
  endHung.beat('default', 'i-1', beatOf(idleMs, session))
  await settle()
}
const said = ({ fake }: TestCoordinator) => fake.publishedTo('hung.i-1')

test('an instance that does nothing is taken out of routing, then its tasks end as the retry policy has it, and it is ordered to stop', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, presence, fake, clock } = coordinator
  await withSuccesses(coordinator)
  const tries = { attempts: 2, tries: 2, backoff: { type: 'fixed', delayMs: 7_000 } } as const
  const [retried, last, cancelling] = [aRun(1, { ...RUNNING, ...tries }), aRun(2, RUNNING), aRun(3, { ...RUNNING, state: 'cancelling' })]
  const [other, earlier] = [aRun(4, { ...RUNNING, owner: 'i-2' }), aRun(5, { ...RUNNING, ownerSession: 'before' })]
  await store.runs.insert([retried, last, cancelling, other, earlier])

  await beats(coordinator, 4 * MINUTE_MS)
  assert.deepEqual(said(coordinator), [], 'less than five minutes are no reason')
  await beats(coordinator, 5 * MINUTE_MS)
  assert.deepEqual(said(coordinator), [{ session: SESSION, idleMs: 5 * MINUTE_MS }])
  await beats(coordinator, 5 * MINUTE_MS + 3_000)
  assert.equal(said(coordinator).length, 2, 'until presence says so')
  assert.equal((await runOf(coordinator, retried.id)).state, 'running')

  presence.idle.set('i-1', 5 * MINUTE_MS)
  await beats(coordinator, 5 * MINUTE_MS + 6_000)
  const { state, reason, attempt, wakeAt, error, owner } = await runOf(coordinator, retried.id)
  assert.deepEqual([state, reason, attempt, owner, (wakeAt ?? 0) - clock.now()], ['delayed', 'retry', 2, null, 7_000])
  assert.deepEqual(error, { name: 'InstanceHung', message: 'instance i-1 lives, but nothing came of its tasks for 306 s' })
  const ended = await runOf(coordinator, last.id)
  assert.deepEqual([ended.state, ended.reason, ended.error?.name], ['failed', 'hung', 'InstanceHung'])
  assert.equal((await runOf(coordinator, cancelling.id)).state, 'cancelled')
  for (const { id } of [other, earlier]) assert.equal((await runOf(coordinator, id)).state, 'running')
  assert.deepEqual(
    fake.publishedTo('control.i-1').map(({ type, taskId }) => [type, taskId]),
    [retried.id, last.id, cancelling.id].map((id) => ['cancel', id]),
  )
  const late = { type: 'finished', runId: retried.id, taskId: retried.id, attempt: 1, outcome: 'succeeded', result: 1 }
  await coordinator.applyReports.execute([reportsFrom('i-1', late)])
  assert.equal((await runOf(coordinator, retried.id)).state, 'delayed', 'what it reports later counts for nothing')
})

test('tasks of fan-out runs end so, too', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await withSuccesses(coordinator)
  const run = aRun(1, { ...RUNNING, owner: null, ownerSession: null, wakeAt: null, mode: 'shards' })
  await coordinator.store.runs.insert([run])
  const { state, owner, ownerSession, wakeAt } = RUNNING
  await coordinator.store.tasks.insert([aTask(run.id, 0, { state, owner, ownerSession, wakeAt, queuedAt: null }), aTask(run.id, 1)])
  coordinator.presence.idle.set('i-1', 1)
  await beats(coordinator, 6 * MINUTE_MS)
  const tasks = (await coordinator.store.tasks.list({ runId: run.id, limit: 10 })).items
  assert.deepEqual(
    tasks.map((task) => [task.state, task.reason]),
    [
      ['failed', 'hung'],
      ['queued', null],
    ],
  )
})

test('who may do nothing: a long job, one of which nothing is known, an executor without a session', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, clock } = coordinator
  await withSuccesses(coordinator)
  const endedAt = clock.now()
  const took = { state: 'succeeded', reason: 'completed', queuedAt: null, startedAt: endedAt - 60 * MINUTE_MS, endedAt } as const
  await store.runs.insert([aRun(903, { ...took, job: 'long' })])
  const isHung = async (fields: Parameters<typeof aRun>[1], { idleMs = 6 * MINUTE_MS, isMute = false } = {}) => {
    const run = aRun(1, { ...RUNNING, ...fields })
    await store.runs.insert([run])
    const before = said(coordinator).length
    await coordinator.clock.advance(MINUTE_MS)
    coordinator.endHung.beat('default', 'i-1', { ...beatOf(idleMs), ...(isMute ? { session: undefined } : {}) })
    await settle()
    await store.runs.update([{ id: run.id, expect: { state: ['running'] }, set: { owner: 'i-3' } }])
    return said(coordinator).length > before
  }
  assert.equal(await isHung({ id: 'runofashortjob00' }), true)
  assert.equal(await isHung({ id: 'runofalongjob000', job: 'long' }), false)
  assert.equal(await isHung({ id: 'runofalongjob001', job: 'long' }, { idleMs: 151 * MINUTE_MS }), true)
  assert.equal(await isHung({ id: 'runofanewjob0000', job: 'new' }, { idleMs: 10_000 * MINUTE_MS }), false)
  assert.equal(await isHung({ id: 'runofnojob000000', job: null }, { idleMs: 10_000 * MINUTE_MS }), false)
  assert.equal(await isHung({ id: 'runwithalimit000', job: 'new', timeoutMs: 1_000 }), true)
  assert.equal(await isHung({ id: 'runofamuteone000' }, { isMute: true }), false)
})

test('nothing is read of an instance that works, and of one that may do nothing once a minute', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store } = coordinator
  let reads = 0
  const ownedBy = store.runs.ownedBy.bind(store.runs)
  const counted = (query: Parameters<typeof ownedBy>[0]) => {
    reads++
    return ownedBy(query)
  }
  Object.assign(store.runs, { ownedBy: counted })
  await store.runs.insert([aRun(1, { ...RUNNING, job: null })])
  for (let i = 0; i < 100; i++) await beats(coordinator, i * 3_000)
  assert.equal(reads, 0)
  for (let i = 100; i < 140; i++) await beats(coordinator, i * 3_000)
  assert.deepEqual([reads, said(coordinator)], [2, []])
})
