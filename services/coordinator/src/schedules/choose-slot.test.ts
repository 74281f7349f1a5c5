import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settle } from '@carillon/runtime/testing'
import { aJob, aRun } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, type TestCoordinator } from '../testing/test-coordinator.ts'

const MINUTE_MS = 60_000
const jobOf = async ({ store }: TestCoordinator, name = 'poll') => (await store.jobs.get([`default/${name}`]))[0]

/** A running run of a job. */
async function running(coordinator: TestCoordinator, fields: Parameters<typeof aJob>[1] = {}) {
  const { applyReports, clock, startRuns, store } = coordinator
  await store.jobs.insert(aJob('poll', { nextSlotAt: clock.now() + MINUTE_MS, ...fields }))
  const request = { job: 'poll' }
  const [started] = await startRuns.execute([{ namespace: 'default', request, bytes: 10, trigger: 'call', traceparent: undefined }])
  assert.ok(started && 'runId' in started)
  await settle()
  const { runId } = started
  await applyReports.execute([reportsFrom('i-1', { type: 'started', runId, taskId: runId, attempt: 1 })])
  return { taskId: runId, attempt: 1, instance: 'i-1' }
}

test('a run chooses the next slot of its job; the newest choice counts, and the schedule goes on after it', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { chooseSlots, clock, fireSlots } = coordinator
  const caller = await running(coordinator)
  await chooseSlots.execute('default', { ...caller, delayMs: 5_000 })
  const answer = await chooseSlots.execute('default', { ...caller, delayMs: 20_000 })
  const slot = clock.now() + 20_000
  assert.deepEqual(answer, { nextAt: new Date(slot).toISOString() })
  const job = await jobOf(coordinator)
  assert.deepEqual([job?.nextSlotAt, job?.wakeAt, job?.chosenSlotAt], [slot, slot, slot])
  await clock.advance(20_000)
  await fireSlots.execute(['default/poll'])
  const after = await jobOf(coordinator)
  assert.deepEqual([after?.nextSlotAt, after?.chosenSlotAt], [slot + MINUTE_MS, null])
})

test('a run of a slot that chooses before its job is moved from there is the last run of its job nevertheless', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { applyReports, chooseSlots, clock, fireSlots, store } = coordinator
  const slot = clock.now()
  await store.jobs.insert(aJob('poll', { nextSlotAt: slot }))
  const advance = store.jobs.advance.bind(store.jobs)
  store.jobs.advance = () => Promise.reject(new Error('killed'))
  await fireSlots.execute(['default/poll']).catch(() => undefined)
  store.jobs.advance = advance
  const [run] = (await store.runs.list({ namespace: 'default', job: 'poll', limit: 1 })).items
  assert.ok(run)
  const caller = { taskId: run.id, attempt: 1, instance: 'i-1' }
  await applyReports.execute([reportsFrom('i-1', { type: 'started', runId: run.id, taskId: run.id, attempt: 1 })])
  await chooseSlots.execute('default', { ...caller, delayMs: 5_000 })
  const job = await jobOf(coordinator)
  assert.deepEqual([job?.nextSlotAt, job?.lastRunId], [slot + 5_000, run.id])
})

test('a time that has passed means now, and a choice far ahead is no fault of a clock', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { chooseSlots, clock, repairTimes } = coordinator
  const caller = await running(coordinator)
  await chooseSlots.execute('default', { ...caller, at: '2001-01-01T00:00:00Z' })
  assert.equal((await jobOf(coordinator))?.nextSlotAt, clock.now())
  const far = clock.now() + 90 * 86_400_000
  await chooseSlots.execute('default', { ...caller, at: new Date(far).toISOString() })
  await repairTimes.execute(
    Array.from({ length: 64 }, (_, share) => share),
    new AbortController().signal,
  )
  assert.equal((await jobOf(coordinator))?.nextSlotAt, far)
  await assert.rejects(chooseSlots.execute('default', { ...caller, at: '2999-01-01T00:00:00Z' }), { code: 'INVALID_DATE' })
})

test('a job without a schedule, a finished one and one that waits for the end of this run take the choice; a paused one does not', async (context) => {
  const schedules = [
    { schedule: null, nextSlotAt: null },
    { schedule: { at: '2020-01-01T00:00:00Z' }, state: 'finished' as const, nextSlotAt: null },
    { schedule: { afterMs: 1_000 }, nextSlotAt: null, awaits: 'some-run' },
  ]
  for (const fields of schedules) {
    const coordinator = await createTestCoordinator(context)
    const { chooseSlots, clock, fireSlots, store } = coordinator
    const caller = await running(coordinator, fields)
    await chooseSlots.execute('default', { ...caller, delayMs: 10 })
    await clock.advance(10)
    await fireSlots.execute(['default/poll'])
    const { items } = await store.runs.list({ namespace: 'default', limit: 10 })
    assert.equal(items.filter(({ slot }) => slot === clock.now()).length, 1, JSON.stringify(fields))
  }
  const coordinator = await createTestCoordinator(context)
  const caller = await running(coordinator, { state: 'paused', nextSlotAt: null })
  assert.deepEqual(await coordinator.chooseSlots.execute('default', { ...caller, delayMs: 10 }), {})
  assert.equal((await jobOf(coordinator))?.nextSlotAt, null)
})

test('data and the last result of a job are there for its next runs; {} removes the data', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { keepMemory, store } = coordinator
  const caller = await running(coordinator)
  assert.deepEqual(await keepMemory.read('default', caller.taskId), { data: {} })
  await store.runs.insert([aRun(1, { job: 'poll', state: 'succeeded', result: '{"page":7}', endedAt: 5 })])
  assert.deepEqual(await keepMemory.set('default', { ...caller, data: { cursor: 'x' } }), { kept: true })
  const { data, last } = await keepMemory.read('default', caller.taskId)
  assert.deepEqual([data, last?.result, last?.endedAt], [{ cursor: 'x' }, { page: 7 }, '1970-01-01T00:00:00.005Z'])
  assert.deepEqual((await coordinator.readJobs.get('default', 'poll')).data, { cursor: 'x' })
  await keepMemory.set('default', { ...caller, data: {} })
  assert.equal((await jobOf(coordinator))?.data, null)
  await assert.rejects(keepMemory.set('default', { ...caller, data: { big: 'x'.repeat(16_384) } }), { code: 'DATA_TOO_LARGE' })
})

test('only the instance that runs the attempt may choose', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const caller = await running(coordinator)
  for (const other of [{ instance: 'i-2' }, { attempt: 2 }]) {
    await assert.rejects(coordinator.chooseSlots.execute('default', { ...caller, ...other, delayMs: 1 }), { code: 'TASK_NOT_RUNNING' })
    await assert.rejects(coordinator.keepMemory.set('default', { ...caller, ...other, data: {} }), { code: 'TASK_NOT_RUNNING' })
  }
  await assert.rejects(coordinator.chooseSlots.execute('other', { ...caller, delayMs: 1 }), { code: 'RUN_NOT_FOUND' })
})

test('an attempt that another coordinator has ended chooses nothing', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const caller = await running(coordinator)
  const set = { state: 'queued', attempt: 2, owner: null, queuedAt: 1 } as const
  assert.deepEqual(await coordinator.store.runs.update([{ id: caller.taskId, expect: { state: ['running'], attempt: 1 }, set }]), [
    'applied',
  ])
  await assert.rejects(coordinator.chooseSlots.execute('default', { ...caller, delayMs: 1 }), { code: 'TASK_NOT_RUNNING' })
  await assert.rejects(coordinator.keepMemory.set('default', { ...caller, data: {} }), { code: 'TASK_NOT_RUNNING' })
})
