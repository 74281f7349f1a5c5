import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, taskIdOf } from '@carillon/contracts'
import type { Incoming } from '@carillon/runtime'
import { settle } from '@carillon/runtime/testing'
import type { LifeChange, RunHead, RunRecord } from '@carillon/store'
import { aJob, aRun, aTask } from '@carillon/store/testing'
import { spoil } from '../testing/spoiled-store.ts'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'
import { TakeTriggers } from './take-triggers.ts'

const idOf = (i: number) => `run00000000000${100 + i}`
const running = { state: 'running', owner: 'i-1', startedAt: 1, queuedAt: null } as const

async function withRuns(coordinator: TestCoordinator, count: number, fields: (i: number) => Partial<RunRecord>): Promise<string[]> {
  const runs = Array.from({ length: count }, (_, i) => aRun(1, { id: idOf(i), queuedAt: coordinator.clock.now(), ...fields(i) }))
  await coordinator.runs.insert(runs)
  await settle()
  return runs.map(({ id }) => id)
}
const statesOf = (coordinator: TestCoordinator, ids: readonly string[]) =>
  Promise.all(ids.map(async (id) => (await runOf(coordinator, id)).state))
const ended = (id: string, result: unknown = 1) => ({ runId: id, taskId: id, attempt: 1, type: 'finished', outcome: 'succeeded', result })

test('a report that can never be stored is rejected, its task ends, and its neighbours are applied', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, fake } = coordinator
  const ids = await withRuns(coordinator, 60, () => ({}))
  spoil(store.runs, { method: 'update', isBad: ({ set }: LifeChange) => set.result === '"bad"' })
  await coordinator.applyReports.execute([reportsFrom('i-1', ...ids.map((id, i) => ended(id, i === 41 ? 'bad' : i)))])
  const states = await statesOf(coordinator, ids)
  assert.deepEqual(
    states,
    ids.map((_, i) => (i === 41 ? 'failed' : 'succeeded')),
  )
  const bad = await runOf(coordinator, idOf(41))
  assert.deepEqual(
    [bad.reason, bad.error?.message, bad.wakeAt],
    ['internal-error', 'what became of it could not be stored: this cannot be stored', null],
  )
  assert.equal(fake.publishedTo(`event.run.${idOf(41)}.failed`).length, 1)
  assert.equal(fake.publishedTo('event.message.REPORTS.rejected').length, 1)
  // Delivered once more it changes nothing.
  await coordinator.applyReports.execute([reportsFrom('i-1', ended(idOf(41), 'bad'))])
  assert.equal((await runOf(coordinator, idOf(41))).state, 'failed')
})

test('the same for tasks, which lets their run end', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, clock } = coordinator
  const run = aRun(1, { mode: 'shards', plan: { shards: 2 }, ...running, owner: null, wakeAt: clock.now() + 30_000 })
  await store.runs.insert([run])
  await store.tasks.insert([0, 1].map((index) => aTask(run.id, index, { ...running, wakeAt: clock.now() + 30_000 })))
  spoil(store.tasks, { method: 'update', isBad: ({ set }: LifeChange) => set.result === '"bad"' })
  const of = (index: number, result: unknown) => ({ ...ended(run.id, result), taskId: taskIdOf(run.id, index) })
  await coordinator.applyReports.execute([reportsFrom('i-1', of(0, 'bad'), of(1, 'good'))])
  await settle()
  assert.deepEqual([(await runOf(coordinator, run.id)).state, (await runOf(coordinator, run.id)).reason], ['failed', 'tasks-failed'])
  const [task] = await store.tasks.get([taskIdOf(run.id, 0)])
  assert.deepEqual([task?.state, task?.reason], ['failed', 'internal-error'])
})

test('progress that cannot be stored ends nothing', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const [id = ''] = await withRuns(coordinator, 1, () => ({ ...running, wakeAt: coordinator.clock.now() + 30_000 }))
  spoil(coordinator.store.runs, { method: 'update', isBad: ({ set }: LifeChange) => set.progress?.note === 'bad' })
  const progress = { runId: id, taskId: id, attempt: 1, type: 'progress', percent: 5, note: 'bad' }
  await coordinator.applyReports.execute([reportsFrom('i-1', progress)])
  assert.deepEqual(await statesOf(coordinator, [id]), ['running'])
  await coordinator.applyReports.execute([reportsFrom('i-1', ended(id))])
  assert.deepEqual(await statesOf(coordinator, [id]), ['succeeded'])
})

test('while the store is away a batch of reports fails as a whole, and nothing is rejected', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const ids = await withRuns(coordinator, 3, () => ({}))
  const batch = [reportsFrom('i-1', ...ids.map((id) => ended(id)))]
  const mend = spoil(coordinator.store.runs, { method: 'update', isBad: () => true, code: 'STORE_UNAVAILABLE' })
  await assert.rejects(coordinator.applyReports.execute(batch), { code: 'STORE_UNAVAILABLE' })
  mend()
  await coordinator.applyReports.execute(batch)
  assert.deepEqual([await statesOf(coordinator, ids), coordinator.rejected.count], [['succeeded', 'succeeded', 'succeeded'], 0])
})

test('where nothing at all can be stored, no end is made up', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const ids = await withRuns(coordinator, 3, () => ({}))
  const mend = spoil(coordinator.store.runs, { method: 'update', isBad: () => true })
  await assert.rejects(coordinator.applyReports.execute([reportsFrom('i-1', ...ids.map((id) => ended(id)))]), { code: 'INTERNAL' })
  assert.equal(coordinator.rejected.count, 0)
  mend()
  assert.deepEqual(await statesOf(coordinator, ids), ['queued', 'queued', 'queued'])
})

test('one run that cannot be decided about, read or stored holds up none that wakes beside it', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, clock, wakeLives } = coordinator
  const due = clock.now()
  const ids = await withRuns(coordinator, 5, (i) =>
    i === 0 ? { ...running, timeoutMs: 1, wakeAt: due, attempts: 3 } : { state: 'delayed', reason: 'delay', wakeAt: due, queuedAt: null },
  )
  const heads = store.runs.heads.bind(store.runs)
  const withoutBackoff = (run: RunHead | undefined) => (run?.id === idOf(0) ? { ...run, backoff: null as never } : run)
  store.runs.heads = async (asked) => (await heads(asked)).map(withoutBackoff)
  spoil(store.runs, { method: 'heads', isBad: (id: string) => id === idOf(1) })
  spoil(store.runs, { method: 'update', isBad: ({ id, set }: LifeChange) => id === idOf(2) && set.state === 'queued' })
  await clock.advance(60_000)
  await assert.rejects(wakeLives.execute(ids), { code: 'INTERNAL' })
  await settle()
  assert.deepEqual(
    coordinator.fake.publishedTo('work.').map(({ runId }) => runId),
    [idOf(3), idOf(4)],
  )
  assert.deepEqual(await statesOf(coordinator, [0, 2, 3, 4].map(idOf)), ['failed', 'failed', 'queued', 'queued'])
})

test('a terminal event that cannot be published delays no other run that wakes with it', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, wakeLives, fake } = coordinator
  const due = clock.now()
  const ids = await withRuns(coordinator, 2, (i) =>
    i === 0
      ? { state: 'succeeded', reason: 'completed', endedAt: 1, queuedAt: null, wakeAt: due }
      : { state: 'delayed', reason: 'delay', wakeAt: due, queuedAt: null },
  )
  fake.published.length = 0
  fake.refusal = ({ subject }) => (subject.includes('.event.') ? { code: 503, message: 'no stream' } : undefined)
  await assert.rejects(wakeLives.execute(ids), { code: 'NATS_UNAVAILABLE' })
  assert.deepEqual(await statesOf(coordinator, ids), ['succeeded', 'queued'])
})

test('one start that cannot be stored costs no other, nor one trigger', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, startRuns, rejected, clock } = coordinator
  spoil(store.runs, { method: 'insert', isBad: ({ payload }: RunRecord) => payload === '"bad"' })
  const item = (payload: unknown) =>
    ({ namespace: 'default', request: { handler: 'hello', payload }, bytes: 0, trigger: 'call', traceparent: undefined }) as const
  const outcomes = await startRuns.execute([item(1), item('bad'), item(2)])
  assert.deepEqual(
    outcomes.map((outcome) => (CarillonError.is(outcome) ? outcome.code : outcome.created)),
    [true, 'INTERNAL', true],
  )
  const triggers = new TakeTriggers({ store, start: startRuns, rejected, clock })
  const message = (body: unknown): Incoming => ({ ...reportsFrom('hello'), subject: 'carillon.default.trigger.hello', body })
  await triggers.execute([message(1), message('bad'), message(2)])
  await settle()
  assert.deepEqual([(await store.runs.list({ namespace: 'default', limit: 10 })).items.length, rejected.count], [4, 1])
  assert.equal(coordinator.work.outstanding, 0)
})

test('the run of one slot that cannot be stored is recorded as skipped, and the others fire', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, clock, fireSlots } = coordinator
  const nextSlotAt = clock.now()
  for (const name of ['a', 'b', 'c']) await store.jobs.insert(aJob(name, { nextSlotAt, payload: JSON.stringify(name) }))
  spoil(store.runs, { method: 'insert', isBad: ({ payload }: RunRecord) => payload === '"b"' })
  spoil(store.jobs, { method: 'advance', isBad: ({ id }: { id: string }) => id === 'default/c' })
  await fireSlots.execute(['default/a', 'default/b', 'default/c'])
  const runs = (await store.runs.list({ namespace: 'default', limit: 10 })).items
  assert.deepEqual(runs.map(({ job, state, reason }) => [job, state, reason]).sort(), [
    ['a', 'queued', null],
    ['b', 'skipped', 'internal-error'],
    ['c', 'queued', null],
  ])
  const jobs = await store.jobs.get(['a', 'b', 'c'].map((name) => `default/${name}`))
  assert.deepEqual(
    jobs.map((job) => job?.nextSlotAt === nextSlotAt),
    [false, false, true],
  )
})

test('what a write expects is released when it is refused, and compared when its outcome is not known', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, clock, work, runs, fake } = coordinator
  const [id = ''] = await withRuns(coordinator, 1, () => ({ state: 'delayed', reason: 'delay', wakeAt: clock.now(), queuedAt: null }))
  const run = await runOf(coordinator, id)
  const queue = (attempt = 1) => ({
    run,
    decision: {
      event: 'due',
      expect: { state: ['delayed'], attempt },
      set: { state: 'queued', queuedAt: clock.now(), wakeAt: null },
    } as const,
  })
  const queuedAt = clock.now()
  const mend = spoil(store.runs, { method: 'update', isBad: () => true, code: 'STORE_UNAVAILABLE' })
  await assert.rejects(runs.write([queue()]))
  assert.deepEqual([...work.unconfirmedIds], [id])
  work.settled(id)
  mend()
  // Its message is on its way while another write of the same attempt is refused.
  fake.answerLater()
  await runs.write([queue()])
  await clock.advance(1_000)
  await runs.write([queue()])
  assert.equal(work.publishedBefore(), queuedAt)
  fake.answerNow()
  await settle()
  assert.deepEqual([work.publishedBefore(), work.outstanding], [clock.now(), 0])
  await runs.write([queue(7)])
  assert.equal(work.outstanding, 0)
})
