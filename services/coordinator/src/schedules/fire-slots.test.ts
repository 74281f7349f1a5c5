import assert from 'node:assert/strict'
import { test } from 'node:test'
import { subjects } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import { SHARES } from '@carillon/store'
import { aJob } from '@carillon/store/testing'
import { createTestCoordinator, type TestCoordinator } from '../testing/test-coordinator.ts'
import { MOVE_AFTER_MS, SLOT_LEAD_MS } from './fire-slots.ts'

const MINUTE_MS = 60_000
const runsOf = async ({ store }: TestCoordinator, limit = 500) => (await store.runs.list({ namespace: 'default', limit })).items
async function jobOf({ store }: TestCoordinator, name: string) {
  const [job] = await store.jobs.get([`default/${name}`])
  assert.ok(job)
  return job
}

test('a slot makes one run and moves the job to its next', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fireSlots } = coordinator
  const slot = clock.now()
  await store.jobs.insert(aJob('report', { nextSlotAt: slot }))
  await fireSlots.execute(['default/report'])
  await settle()
  const [run] = await runsOf(coordinator)
  assert.deepEqual([run?.job, run?.slot, run?.state, run?.trigger], ['report', slot, 'queued', 'schedule'])
  assert.equal((await jobOf(coordinator, 'report')).nextSlotAt, slot + MINUTE_MS)
  assert.deepEqual(coordinator.armed, [{ kind: 'jobs', id: 'default/report', wakeAt: slot + MINUTE_MS }])
  assert.equal(coordinator.fake.publishedTo('work.report')[0]?.['slot'], new Date(slot).toISOString())
})

test('a crash between the run and the move makes no second run', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fireSlots } = coordinator
  await store.jobs.insert(aJob('report', { nextSlotAt: clock.now() }))
  const advance = store.jobs.advance.bind(store.jobs)
  store.jobs.advance = () => Promise.reject(new Error('killed'))
  await assert.rejects(fireSlots.execute(['default/report']), /killed/)
  store.jobs.advance = advance
  await clock.advance(2_000)
  const other = await createTestCoordinator(context, { store, clock })
  await Promise.all([other.fireSlots.execute(['default/report']), fireSlots.execute(['default/report'])])
  assert.equal((await runsOf(coordinator)).length, 1)
  assert.equal((await jobOf(coordinator, 'report')).nextSlotAt, clock.now() - 2_000 + MINUTE_MS)
})

test('a job that was changed, paused or removed in between is not changed', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fireSlots } = coordinator
  await store.jobs.insert(aJob('paused', { state: 'paused', nextSlotAt: null }))
  await store.jobs.insert(aJob('later', { nextSlotAt: clock.now() + SLOT_LEAD_MS + 1 }))
  await fireSlots.execute(['default/paused', 'default/later', 'default/removed'])
  assert.deepEqual(await runsOf(coordinator), [])
  await store.jobs.insert(aJob('changed', { nextSlotAt: clock.now() }))
  const insert = store.runs.insert.bind(store.runs)
  store.runs.insert = async (runs) => {
    await store.jobs.replace(aJob('changed', { revision: 2, nextSlotAt: clock.now() + 5 }), { revision: 1 })
    return insert(runs)
  }
  await fireSlots.execute(['default/changed'])
  assert.equal((await jobOf(coordinator, 'changed')).nextSlotAt, clock.now() + 5)
})

test('a slot is taken before its time, and nothing is published before it has come', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fireSlots } = coordinator
  const slot = clock.now() + SLOT_LEAD_MS
  await store.jobs.insert(aJob('report', { nextSlotAt: slot }))
  const firing = fireSlots.execute(['default/report'])
  await settle()
  assert.deepEqual(
    (await runsOf(coordinator)).map(({ state }) => state),
    ['queued'],
  )
  await clock.advance(SLOT_LEAD_MS - 1)
  assert.deepEqual([coordinator.fake.publishedTo('work.report'), coordinator.fake.publishedTo('live.run')], [[], []])
  assert.equal((await jobOf(coordinator, 'report')).nextSlotAt, slot)
  await clock.advance(1)
  await firing
  assert.equal(coordinator.fake.publishedTo('work.report').length, 1)
  assert.equal((await jobOf(coordinator, 'report')).nextSlotAt, slot + MINUTE_MS)
})

test('a run that is cancelled before its time leaves no work behind', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fireSlots } = coordinator
  await store.jobs.insert(aJob('report', { nextSlotAt: clock.now() + SLOT_LEAD_MS }))
  const firing = fireSlots.execute(['default/report'])
  await settle()
  const [run] = await runsOf(coordinator)
  await coordinator.changeRuns.cancel('default', run?.id ?? '')
  const purged = coordinator.fake.purged.length
  await clock.advance(SLOT_LEAD_MS)
  await firing
  assert.equal((await runsOf(coordinator))[0]?.state, 'cancelled')
  assert.deepEqual(coordinator.fake.purged.slice(purged), [subjects.work('default', run?.handler ?? '', run?.id ?? '')])
})

test('a slot whose job is removed or paused before its time does not fire, and says why', async (context) => {
  for (const change of ['remove', 'pause'] as const) {
    const coordinator = await createTestCoordinator(context)
    const { clock, store, fireSlots, changeJobs, jobs } = coordinator
    for (const name of ['report', 'other']) await store.jobs.insert(aJob(name, { nextSlotAt: clock.now() + SLOT_LEAD_MS }))
    const firing = fireSlots.execute(['default/report', 'default/other'])
    await settle()
    assert.equal((await runsOf(coordinator)).length, 2)
    if (change === 'remove') await changeJobs.remove('default', 'report', { keepRuns: false })
    else await changeJobs.pause('default', 'report')
    jobs.forget('default', 'report')
    await clock.advance(SLOT_LEAD_MS)
    await firing
    const runs = await runsOf(coordinator)
    assert.deepEqual(runs.map(({ job, state, reason }) => [job, state, reason]).sort(), [
      ['other', 'queued', null],
      ['report', 'cancelled', change === 'remove' ? 'job-removed' : 'job-paused'],
    ])
    assert.equal(coordinator.fake.publishedTo('work.report').length, 0)
    assert.equal(coordinator.fake.publishedTo('work.other').length, 1)
  }
})

test('thousands of slots of one second are stored before it, and fired together when it has come; their jobs are moved after that', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fireSlots } = coordinator
  const slot = clock.now() + SLOT_LEAD_MS
  const names = Array.from({ length: 1_300 }, (_, i) => `job-${i}`)
  for (const name of names) await store.jobs.insert(aJob(name, { handler: 'h', nextSlotAt: slot }))
  const firing = fireSlots.execute(names.map((name) => `default/${name}`))
  while ((await runsOf(coordinator, 2_000)).length < names.length) await settle()
  assert.equal(coordinator.fake.publishedTo('work.h').length, 0)
  await clock.advance(SLOT_LEAD_MS)
  assert.equal(coordinator.fake.publishedTo('work.h').length, names.length)
  assert.equal((await jobOf(coordinator, 'job-0')).nextSlotAt, slot)
  await clock.advance(MOVE_AFTER_MS)
  await firing
  assert.equal((await jobOf(coordinator, 'job-1299')).nextSlotAt, slot + MINUTE_MS)
})

test('an instant fires once, and its job is finished', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fireSlots } = coordinator
  const at = new Date(clock.now()).toISOString()
  await store.jobs.insert(aJob('launch', { schedule: { at }, nextSlotAt: clock.now() }))
  await fireSlots.execute(['default/launch'])
  await fireSlots.execute(['default/launch'])
  assert.equal((await runsOf(coordinator)).length, 1)
  assert.deepEqual([(await jobOf(coordinator, 'launch')).state, (await jobOf(coordinator, 'launch')).nextSlotAt], ['finished', null])
  assert.equal(coordinator.fake.publishedTo('event.job.launch.finished').length, 1)
})

test('missed slots leave one record, whose end is published', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fireSlots } = coordinator
  const slot = clock.now() - 10 * MINUTE_MS
  await store.jobs.insert(aJob('report', { nextSlotAt: slot, misfire: 'skip' }))
  await fireSlots.execute(['default/report'])
  const runs = await runsOf(coordinator)
  const skipped = runs.filter(({ state }) => state === 'skipped')
  assert.equal(skipped.length, 1)
  assert.deepEqual([skipped[0]?.reason, skipped[0]?.slot], ['misfire', slot])
  assert.equal(runs.length, 3)
  assert.equal(coordinator.fake.publishedTo(`event.run.${skipped[0]?.id}.skipped`).length, 1)
})

test('a job says how late a slot may be until it is missed', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fireSlots } = coordinator
  const slot = clock.now() - 10 * MINUTE_MS
  await store.jobs.insert(aJob('patient', { nextSlotAt: slot, misfire: 'skip', misfireAfterMs: 15 * MINUTE_MS }))
  await store.jobs.insert(aJob('strict', { nextSlotAt: clock.now() - 5_000, misfire: 'skip', misfireAfterMs: 2_000 }))
  await fireSlots.execute(['default/patient', 'default/strict'])
  const statesOf = async (name: string) => (await runsOf(coordinator)).filter(({ job }) => job === name).map(({ reason }) => reason)
  assert.deepEqual([(await statesOf('patient')).includes('misfire'), await statesOf('strict')], [false, ['misfire']])
})

test('a job whose slots cannot be planned disturbs no other', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fireSlots } = coordinator
  await store.jobs.insert(aJob('broken', { schedule: { cron: 'nonsense', timezone: 'UTC' }, nextSlotAt: clock.now() }))
  await store.jobs.insert(aJob('report', { nextSlotAt: clock.now() }))
  await fireSlots.execute(['default/broken', 'default/report'])
  assert.deepEqual((await runsOf(coordinator)).map(({ job }) => job).sort(), ['broken', 'report'])
  assert.equal((await jobOf(coordinator, 'report')).nextSlotAt, clock.now() + MINUTE_MS)
  assert.ok(coordinator.lines.some(({ evt, job }) => evt === 'slot.failed' && job === 'default/broken'))
})

test('of large jobs that are due together few are read, and few runs written, at once', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fireSlots, jobs } = coordinator
  const payload = JSON.stringify('x'.repeat(500 * 1024))
  const names = Array.from({ length: 30 }, (_, i) => `large-${i}`)
  for (const name of names) await store.jobs.insert(aJob(name, { payload, nextSlotAt: clock.now(), wakeAt: clock.now() }))
  const sizes = { read: 0, written: 0 }
  const [get, insert] = [store.jobs.get.bind(store.jobs), store.runs.insert.bind(store.runs)]
  store.jobs.get = async (ids, maxBytes) => {
    const found = await get(ids, maxBytes)
    sizes.read = Math.max(sizes.read, found.length)
    return found
  }
  store.runs.insert = (runs) => {
    sizes.written = Math.max(sizes.written, runs.length)
    return insert(runs)
  }
  assert.equal((await jobs.due({ until: clock.now(), shares: Array.from({ length: SHARES }, (_, i) => i), limit: 100 })).length, 30)
  await fireSlots.execute(names.map((name) => `default/${name}`))
  await settle()
  assert.equal((await runsOf(coordinator)).length, 30)
  for (const name of names) assert.equal((await jobOf(coordinator, name)).nextSlotAt, clock.now() + MINUTE_MS)
  assert.deepEqual(sizes, { read: 8, written: 4 })
})

test('a slot with jitter fires at its moment, under its planned time, and is no misfire', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, changeJobs, fireSlots } = coordinator
  const [everyMs, jitterMs] = [60 * MINUTE_MS, 30 * MINUTE_MS]
  await changeJobs.put('default', { name: 'report', schedule: { everyMs, jitterMs } })
  const { nextSlotAt, wakeAt } = await jobOf(coordinator, 'report')
  assert.ok(nextSlotAt !== null && wakeAt !== null && wakeAt > nextSlotAt + MINUTE_MS, 'this job and slot wait for longer than a misfire')
  assert.deepEqual(coordinator.armed.at(-1), { kind: 'jobs', id: 'default/report', wakeAt })
  await clock.advance(wakeAt - clock.now() - SLOT_LEAD_MS - 1)
  await fireSlots.execute(['default/report'])
  assert.deepEqual(await runsOf(coordinator), [])
  await clock.advance(SLOT_LEAD_MS + 1)
  await fireSlots.execute(['default/report'])
  const runs = await runsOf(coordinator)
  assert.deepEqual(
    runs.map(({ slot, state }) => [slot, state]),
    [[nextSlotAt, 'queued']],
  )
  const next = await jobOf(coordinator, 'report')
  assert.equal(next.nextSlotAt, nextSlotAt + everyMs)
  assert.ok((next.wakeAt as number) >= next.nextSlotAt && (next.wakeAt as number) <= next.nextSlotAt + jitterMs)
})
