import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type JobInput, jobInputSchema } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import { createTestCoordinator, reportsFrom, type TestCoordinator } from '../testing/test-coordinator.ts'

/** A job that fires each second; each slot is fired as it comes. */
async function createFiring(context: TestContext, rules: Partial<JobInput> = {}) {
  const coordinator = await createTestCoordinator(context)
  await coordinator.changeJobs.put('default', jobInputSchema.parse({ name: 'tick', schedule: { everyMs: 1_000 }, ...rules }))
  return coordinator
}

async function quiet(): Promise<void> {
  for (let i = 0; i < 30; i++) await settle()
}

async function fire(coordinator: TestCoordinator, slots = 1): Promise<void> {
  for (let i = 0; i < slots; i++) {
    const [job] = await coordinator.store.jobs.get(['default/tick'])
    await coordinator.clock.advance(Math.max(0, (job?.wakeAt ?? 0) - coordinator.clock.now()))
    await coordinator.fireSlots.execute(['default/tick'])
    await quiet()
  }
}

async function finish(coordinator: TestCoordinator, id: string): Promise<void> {
  const report = { type: 'finished', runId: id, taskId: id, attempt: 1, outcome: 'succeeded', result: 1, durationMs: 1 }
  await coordinator.applyReports.execute([reportsFrom('i-1', report)])
  await quiet()
}

/** Oldest slot first. */
async function slotsOf(coordinator: TestCoordinator) {
  const { items } = await coordinator.store.runs.list({ namespace: 'default', job: 'tick', limit: 100 })
  return items.sort((one, other) => one.slot! - other.slot!)
}
const statesOf = async (coordinator: TestCoordinator) =>
  (await slotsOf(coordinator)).map(({ state, reason }) => (reason ? `${state} ${reason}` : state))

test('slots that end in time pass no gate: their runs are queued at once, and no gate is stored', async (context) => {
  const coordinator = await createFiring(context)
  for (let i = 0; i < 3; i++) {
    await fire(coordinator)
    const [run] = (await slotsOf(coordinator)).slice(-1)
    assert.equal(run?.state, 'queued')
    await finish(coordinator, run!.id)
  }
  const due = await coordinator.store.gates.due({
    until: Number.MAX_SAFE_INTEGER,
    shares: Array.from({ length: 64 }, (_, i) => i),
    limit: 1,
  })
  assert.deepEqual(due, [])
})

test('a slot waits for the run before it, one at most; further slots are recorded as skipped', async (context) => {
  const coordinator = await createFiring(context)
  await fire(coordinator, 4)
  assert.deepEqual(await statesOf(coordinator), ['queued', 'waiting gate', 'skipped overlap', 'skipped overlap'])
  const [first, second] = await slotsOf(coordinator)
  assert.match((await coordinator.readRuns.get('default', second!.id)).message ?? '', new RegExp(first!.id))
  await finish(coordinator, first!.id)
  assert.deepEqual((await statesOf(coordinator)).slice(0, 2), ['succeeded completed', 'queued'])
  await fire(coordinator, 2)
  assert.deepEqual((await statesOf(coordinator)).slice(4), ['waiting gate', 'skipped overlap'])
  await finish(coordinator, second!.id)
  const third = (await slotsOf(coordinator))[4]!
  assert.equal(third.state, 'queued')
  await finish(coordinator, third.id)
  await fire(coordinator)
  assert.equal((await statesOf(coordinator)).at(-1), 'queued')
})

test('of several late slots that are fired together the second waits for the first', async (context) => {
  const coordinator = await createFiring(context)
  await coordinator.clock.advance(4_000)
  await fire(coordinator)
  assert.deepEqual((await statesOf(coordinator)).slice(0, 3), ['queued', 'waiting gate', 'skipped overlap'])
  await finish(coordinator, (await slotsOf(coordinator))[0]!.id)
  assert.deepEqual((await statesOf(coordinator)).slice(0, 3), ['succeeded completed', 'queued', 'skipped overlap'])
})

test('a slot that was recorded as skipped, and is fired once more after a crash, has one record, and the next one waits for the run before it', async (context) => {
  const coordinator = await createFiring(context)
  await fire(coordinator, 2)
  const { store, clock } = coordinator
  const advance = store.jobs.advance.bind(store.jobs)
  store.jobs.advance = () => Promise.reject(new Error('killed'))
  await assert.rejects(fire(coordinator), /killed/)
  store.jobs.advance = advance
  assert.deepEqual(await statesOf(coordinator), ['queued', 'waiting gate', 'skipped overlap'])
  await finish(coordinator, (await slotsOf(coordinator))[0]!.id)
  const other = await createTestCoordinator(context, { store, clock })
  await fire(other)
  assert.deepEqual(await statesOf(other), ['succeeded completed', 'queued', 'skipped overlap'])
  await fire(other)
  assert.deepEqual((await statesOf(other)).slice(1), ['queued', 'skipped overlap', 'waiting gate'])
})

test('runs that are asked for start beside slots; a job that says parallel, or wants each missed slot, has no such rule', async (context) => {
  const coordinator = await createFiring(context)
  await fire(coordinator)
  const request = { namespace: 'default', bytes: 0, trigger: 'call', traceparent: undefined, request: { job: 'tick' } } as const
  const started = await coordinator.startRuns.execute([request, request])
  const ids = started.map((one) => ('runId' in one ? one.runId : ''))
  assert.deepEqual(
    (await coordinator.store.runs.heads(ids)).map((run) => run?.state),
    ['queued', 'queued'],
  )
  for (const rules of [{ overlap: 'parallel' }, { misfire: 'all' }] as const) {
    const other = await createFiring(context, rules)
    await fire(other, 3)
    assert.deepEqual(await statesOf(other), ['queued', 'queued', 'queued'])
  }
})

test('said by the job, a policy holds for slots and calls alike; slots that only queue wait one at most', async (context) => {
  const discarding = await createFiring(context, { overlap: 'discard' })
  await fire(discarding, 3)
  assert.deepEqual(await statesOf(discarding), ['queued', 'skipped overlap', 'skipped overlap'])
  const queueing = await createFiring(context, { maxConcurrent: 1 })
  await fire(queueing, 4)
  assert.deepEqual(await statesOf(queueing), ['queued', 'waiting gate', 'skipped overlap', 'skipped overlap'])
  const serial = await createFiring(context, { overlap: 'serial' })
  await fire(serial, 3)
  assert.deepEqual(await statesOf(serial), ['queued', 'waiting gate', 'waiting gate'])
})

test('a slot that is stored before its time does not start before it', async (context) => {
  const coordinator = await createFiring(context, { overlap: 'serial' })
  const [job] = await coordinator.store.jobs.get(['default/tick'])
  await coordinator.clock.advance(job!.wakeAt! - coordinator.clock.now() - 100)
  const firing = coordinator.fireSlots.execute(['default/tick'])
  await quiet()
  const [run] = await slotsOf(coordinator)
  assert.equal(run?.state, 'waiting')
  coordinator.gateHints.arrived(run!)
  await quiet()
  assert.equal((await slotsOf(coordinator))[0]?.state, 'waiting')
  await coordinator.clock.advance(100)
  await firing
  await quiet()
  assert.equal((await slotsOf(coordinator))[0]?.state, 'queued')
})
