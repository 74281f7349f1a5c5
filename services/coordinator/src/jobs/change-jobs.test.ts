import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobInputSchema } from '@carillon/contracts'
import type { JobRecord, RunRecord } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { createTestCoordinator, inTime, type TestCoordinator } from '../testing/test-coordinator.ts'

const put = (coordinator: TestCoordinator, fields: object) =>
  coordinator.changeJobs.put('default', jobInputSchema.parse({ name: 'report', ...fields }))
async function stored(coordinator: TestCoordinator): Promise<JobRecord> {
  const [job] = await coordinator.store.jobs.get(['default/report'])
  assert.ok(job)
  return job
}

test('a job is created with its first slot, armed and announced', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const view = await put(coordinator, { schedule: { everyMs: 60_000 }, payload: { day: 1 } })
  const next = coordinator.clock.now() + 60_000
  assert.deepEqual([view.state, view.nextAt, view.handler, view.misfire], ['active', new Date(next).toISOString(), 'report', 'once'])
  assert.deepEqual(coordinator.armed, [{ kind: 'jobs', id: 'default/report', wakeAt: next }])
  assert.equal(coordinator.fake.publishedTo('event.job.report.put').length, 1)
  assert.deepEqual(coordinator.fake.publishedTo('live.job.report.changed'), [{ name: 'report', what: 'put' }])
})

test('putting it again with the same schedule keeps the phase of its fixed rate, another schedule starts again', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock } = coordinator
  await put(coordinator, { schedule: { everyMs: 60_000 } })
  const first = (await stored(coordinator)).nextSlotAt
  await clock.advance(25_000)
  await put(coordinator, { schedule: { everyMs: 60_000 }, description: 'better' })
  const again = await stored(coordinator)
  assert.deepEqual([again.nextSlotAt, again.revision, again.description], [first, 2, 'better'])
  assert.equal(again.createdAt, clock.now() - 25_000)
  await put(coordinator, { schedule: { everyMs: 30_000 } })
  assert.equal((await stored(coordinator)).nextSlotAt, clock.now() + 30_000)
  await put(coordinator, {})
  assert.deepEqual([(await stored(coordinator)).nextSlotAt, (await stored(coordinator)).state], [null, 'active'])
})

test('a paused job has no next slot, stays paused when it is put again, and resumes from now on', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeJobs, clock } = coordinator
  await put(coordinator, { schedule: { everyMs: 60_000 } })
  assert.equal((await changeJobs.pause('default', 'report')).nextAt, undefined)
  await changeJobs.pause('default', 'report')
  assert.equal((await stored(coordinator)).revision, 2)
  await put(coordinator, { schedule: { everyMs: 30_000 } })
  assert.deepEqual([(await stored(coordinator)).state, (await stored(coordinator)).nextSlotAt], ['paused', null])
  await clock.advance(3_600_000)
  const view = await changeJobs.resume('default', 'report')
  assert.deepEqual([view.state, view.nextAt], ['active', new Date(clock.now() + 30_000).toISOString()])
  const { revision } = await stored(coordinator)
  await changeJobs.resume('default', 'report')
  assert.equal((await stored(coordinator)).revision, revision)
})

test('a job with an instant may be declared again and again; it does not fire twice, and a new instant must lie ahead', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, fireSlots } = coordinator
  const at = new Date(clock.now() + 60_000).toISOString()
  await put(coordinator, { schedule: { at } })
  await clock.advance(60_000)
  await fireSlots.execute(['default/report'])
  await clock.advance(3_600_000)
  for (const same of [at, at.replace('Z', '+00:00')]) {
    const view = await put(coordinator, { schedule: { at: same }, description: 'declared at a start' })
    assert.deepEqual([view.state, view.nextAt, view.description], ['finished', undefined, 'declared at a start'])
  }
  assert.equal((await coordinator.store.runs.list({ namespace: 'default', limit: 10 })).items.length, 1)
  const other = new Date(clock.now() - 120_000).toISOString()
  await assert.rejects(put(coordinator, { schedule: { at: other } }), { code: 'INVALID_DATE' })
  const ahead = new Date(clock.now() + 1_000).toISOString()
  assert.deepEqual(
    [(await put(coordinator, { schedule: { at: ahead } })).state, (await stored(coordinator)).nextSlotAt],
    ['active', Date.parse(ahead)],
  )
})

test('putting a job again sets a slot right that a wrong clock has moved', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store } = coordinator
  await put(coordinator, { schedule: { everyMs: 5_000 } })
  const { revision, nextSlotAt } = await stored(coordinator)
  const moved = (nextSlotAt ?? 0) + 3_600_000
  const expect = { revision, nextSlotAt, awaits: null }
  await store.jobs.advance([
    { id: 'default/report', expect, set: { nextSlotAt: moved, wakeAt: moved, state: 'active', awaits: null, chosenSlotAt: null } },
  ])
  await put(coordinator, { schedule: { everyMs: 5_000 } })
  assert.equal((await stored(coordinator)).nextSlotAt, clock.now() + 5_000)
})

test('an instant that passed while its job was paused leaves a finished job', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeJobs, clock } = coordinator
  await put(coordinator, { schedule: { at: new Date(clock.now() + 5_000).toISOString() } })
  await changeJobs.pause('default', 'report')
  await clock.advance(10_000)
  assert.equal((await changeJobs.resume('default', 'report')).state, 'finished')
})

test('changes of several at once are made one after another', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const other = await createTestCoordinator(context, { store: coordinator.store, clock: coordinator.clock })
  await Promise.all([put(coordinator, { description: 'a' }), put(other, { description: 'b' })])
  await Promise.all([
    coordinator.changeJobs.pause('default', 'report'),
    put(other, { description: 'c' }),
    put(coordinator, { description: 'd' }),
  ])
  const job = await stored(coordinator)
  assert.deepEqual([job.state, job.revision], ['paused', 5])
})

test('who always comes too late gives up with an error that may be tried again', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await put(coordinator, {})
  coordinator.store.jobs.replace = async () => 'refused'
  const late = assert.rejects(put(coordinator, { attempts: 2 }), { code: 'CONCURRENT_CHANGE', retry: true })
  await inTime(coordinator, late)
  const later = assert.rejects(coordinator.changeJobs.pause('default', 'report'), { code: 'CONCURRENT_CHANGE' })
  await inTime(coordinator, later)
})

test('wrong schedules and payloads are not kept, jobs that are not there are named', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeJobs } = coordinator
  await assert.rejects(put(coordinator, { schedule: { cron: '*/61 * * * *' } }), { code: 'INVALID_CRON' })
  await assert.rejects(put(coordinator, { schedule: { cron: '* * * * *', timezone: '' } }), { code: 'INVALID_TIME_ZONE' })
  await assert.rejects(put(coordinator, { payload: 'x'.repeat(600_000) }), { code: 'PAYLOAD_TOO_LARGE' })
  await assert.rejects(put(coordinator, { payload: 'x'.repeat(520_000), items: ['y'.repeat(520_000)] }), { code: 'PAYLOAD_TOO_LARGE' })
  assert.deepEqual(await coordinator.store.jobs.get(['default/report']), [undefined])
  for (const change of ['pause', 'resume'] as const)
    await assert.rejects(changeJobs[change]('default', 'report'), { code: 'JOB_NOT_FOUND' })
  await assert.rejects(changeJobs.remove('default', 'report', { keepRuns: false }), { code: 'JOB_NOT_FOUND' })
  await put(coordinator, {})
  await assert.rejects(changeJobs.remove('shop', 'report', { keepRuns: false }), { code: 'JOB_NOT_FOUND' })
  assert.deepEqual(await changeJobs.remove('default', 'report', { keepRuns: false }), { removed: true })
  assert.equal(coordinator.fake.publishedTo('event.job.report.removed').length, 1)
})

test('runs that wait for their time end with their job, unless they are to be kept; what else is open goes on', async (context) => {
  for (const keepRuns of [false, true]) {
    const coordinator = await createTestCoordinator(context)
    const { store, clock, changeJobs } = coordinator
    await put(coordinator, { schedule: { everyMs: 60_000 } })
    const due = clock.now() + 60_000
    const of = (n: number, fields: Partial<RunRecord>) => aRun(n, { job: 'report', handler: 'report', ...fields })
    const delayed = { state: 'delayed', queuedAt: null, wakeAt: due } as const
    await store.runs.insert([
      of(1, { ...delayed, reason: 'delay' }),
      of(2, { ...delayed, reason: 'retry', attempt: 2, attempts: 3 }),
      of(3, { state: 'running', owner: 'i-1', queuedAt: null, startedAt: clock.now(), wakeAt: due }),
      of(4, { slot: clock.now() - 1 }),
      of(5, { slot: clock.now() + 100 }),
      aRun(6, { ...delayed, reason: 'delay', job: 'other' }),
    ])
    await changeJobs.remove('default', 'report', { keepRuns })
    const runs = await store.runs.get([1, 2, 3, 4, 5, 6].map((n) => aRun(n).id))
    const states = ['delayed', 'delayed', 'running', 'queued', 'queued', 'delayed']
    assert.deepEqual(
      runs.map((run) => run?.state),
      keepRuns ? states : states.map((state, i) => (i === 0 || i === 4 ? 'cancelled' : state)),
    )
    if (!keepRuns) assert.deepEqual([runs[0]?.reason, runs[4]?.reason], ['job-removed', 'job-removed'])
  }
})
