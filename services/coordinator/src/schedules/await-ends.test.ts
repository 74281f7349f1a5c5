import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settle } from '@carillon/runtime/testing'
import { aJob } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, type TestCoordinator } from '../testing/test-coordinator.ts'

const [SECOND_MS, MINUTE_MS] = [1_000, 60_000]
const AFTER = { afterMs: 30_000 }
const jobOf = async ({ store }: TestCoordinator) => (await store.jobs.get(['default/poll']))[0]
const runsOf = async ({ store }: TestCoordinator) => (await store.runs.list({ namespace: 'default', limit: 10 })).items

async function fired(coordinator: TestCoordinator, fields: Parameters<typeof aJob>[1] = {}) {
  const { clock, store, fireSlots } = coordinator
  await store.jobs.insert(aJob('poll', { schedule: AFTER, nextSlotAt: clock.now(), ...fields }))
  await fireSlots.execute(['default/poll'])
  await settle()
  const [run] = await runsOf(coordinator)
  assert.ok(run)
  return run
}

async function ends({ applyReports }: TestCoordinator, runId: string) {
  await applyReports.execute([reportsFrom('i-1', { type: 'finished', runId, taskId: runId, attempt: 1, outcome: 'succeeded' })])
  await settle()
}

test('a fixed delay is counted from the end of the run, however long that took', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock } = coordinator
  const run = await fired(coordinator)
  const waiting = await jobOf(coordinator)
  assert.deepEqual([waiting?.nextSlotAt, waiting?.awaits, waiting?.state], [null, run.id, 'active'])
  await clock.advance(7 * MINUTE_MS)
  await ends(coordinator, run.id)
  const moved = await jobOf(coordinator)
  assert.deepEqual([moved?.nextSlotAt, moved?.awaits], [clock.now() + 30_000, null])
  assert.deepEqual(coordinator.armed.at(-1), { kind: 'jobs', id: 'default/poll', wakeAt: clock.now() + 30_000 })
})

test('a coordinator that stopped between the end and the move is made up for by the check', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fireSlots } = coordinator
  const run = await fired(coordinator)
  await clock.advance(10 * SECOND_MS)
  await fireSlots.execute(['default/poll'])
  assert.equal((await jobOf(coordinator))?.wakeAt, clock.now() + 10 * SECOND_MS, 'it still runs')
  const endedAt = clock.now()
  await store.runs.update([
    { id: run.id, expect: { state: ['queued'] }, set: { state: 'succeeded', reason: 'completed', endedAt, queuedAt: null } },
  ])
  await clock.advance(10 * SECOND_MS)
  await fireSlots.execute(['default/poll'])
  const moved = await jobOf(coordinator)
  assert.deepEqual([moved?.nextSlotAt, moved?.awaits], [endedAt + 30_000, null])
})

test('a run that ended before its job began to wait for it, one that is gone, and one that is skipped do not stop the job', async (context) => {
  const early = await createTestCoordinator(context)
  const advance = early.store.jobs.advance.bind(early.store.jobs)
  early.store.jobs.advance = async (moves) => {
    early.store.jobs.advance = advance
    const [run] = await runsOf(early)
    await ends(early, run?.id ?? '')
    return advance(moves)
  }
  await fired(early)
  assert.equal((await jobOf(early))?.nextSlotAt, early.clock.now() + 30_000)

  const gone = await createTestCoordinator(context)
  await gone.store.jobs.insert(aJob('poll', { schedule: AFTER, nextSlotAt: null, wakeAt: gone.clock.now(), awaits: 'nobody' }))
  await gone.fireSlots.execute(['default/poll'])
  assert.equal((await jobOf(gone))?.nextSlotAt, gone.clock.now() + 30_000)

  const late = await createTestCoordinator(context)
  const run = await fired(late, { misfire: 'skip', nextSlotAt: late.clock.now() - 2 * MINUTE_MS })
  assert.deepEqual([run.state, (await jobOf(late))?.nextSlotAt], ['skipped', late.clock.now() + 30_000])
})

test('after its end a schedule has no further slot', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const endAt = new Date(coordinator.clock.now() + 20_000).toISOString()
  const run = await fired(coordinator, { schedule: { ...AFTER, endAt } })
  await ends(coordinator, run.id)
  const job = await jobOf(coordinator)
  assert.deepEqual([job?.state, job?.nextSlotAt, job?.wakeAt], ['finished', null, null])
})
