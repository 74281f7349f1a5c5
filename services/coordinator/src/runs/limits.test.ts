import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settle } from '@carillon/runtime/testing'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

const START = { namespace: 'default', bytes: 10, trigger: 'call', traceparent: undefined } as const

async function started({ startRuns }: TestCoordinator, request: object): Promise<string> {
  const [outcome] = await startRuns.execute([{ ...START, request: { handler: 'hello', ...request } }])
  await settle()
  assert.ok(outcome && 'runId' in outcome, String(outcome))
  return outcome.runId
}

/** Wakes a run when its `wakeAt` has come. */
async function wakes(coordinator: TestCoordinator, id: string): Promise<string> {
  const { wakeAt } = await runOf(coordinator, id)
  assert.ok(wakeAt !== null, 'nobody wakes it')
  await coordinator.clock.advance(Math.max(0, wakeAt - coordinator.clock.now()))
  await coordinator.wakeLives.execute([id])
  await settle()
  return stateOf(coordinator, id)
}
async function stateOf(coordinator: TestCoordinator, id: string): Promise<string> {
  const { state, reason } = await runOf(coordinator, id)
  return `${state} ${reason}`
}
const report = (coordinator: TestCoordinator, runId: string, more: object) =>
  coordinator.applyReports.execute([reportsFrom('i-1', { runId, taskId: runId, attempt: 1, ...more })])
const failed = { type: 'finished', outcome: 'failed', error: { name: 'Error', message: 'no' } }

test('a run that has not started by its deadline expires: it never starts, its end is published, and a retry by hand has no deadline', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { fake, presence, changeRuns, readRuns, clock } = coordinator
  presence.alive.set('hello', ['i-1'])
  const id = await started(coordinator, { deadlineMs: 60_000 })
  assert.equal((await readRuns.get('default', id)).deadlineAt, new Date(clock.now() + 60_000).toISOString())
  assert.equal(await wakes(coordinator, id), 'expired deadline')
  assert.deepEqual(fake.purged, [`carillon.default.work.hello.normal.${id}`])
  assert.deepEqual(fake.publishedTo('control.i-1'), [{ type: 'cancel', taskId: id }])
  assert.equal(fake.publishedTo(`event.run.${id}.expired`).length, 1)
  await report(coordinator, id, { type: 'started' })
  assert.equal(await stateOf(coordinator, id), 'expired deadline')
  assert.match((await readRuns.get('default', id)).message ?? '', /had not started by its deadline, 20/)
  assert.equal((await changeRuns.retry('default', { runId: id })).state, 'queued')
  assert.equal((await runOf(coordinator, id)).wakeAt, null)
})

test('a run with a deadline begins with a claim, so that it either begins or expires; one without asks for none', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { fake, presence, claimTask, clock } = coordinator
  presence.alive.set('hello', ['i-1'])
  const claimOf = (taskId: string) => ({ taskId, attempt: 1, instance: 'i-1', session: 's-1', redelivered: false })
  const workOf = (id: string) => fake.publishedTo(`work.hello.normal.${id}`)[0] as { claim?: true }
  const plain = await started(coordinator, {})
  assert.equal(workOf(plain).claim, undefined)
  const begun = await started(coordinator, { deadlineMs: 1_000 })
  assert.equal(workOf(begun).claim, true)
  assert.deepEqual(await claimTask.execute('default', claimOf(begun)), { run: true, attempt: 1 })
  await clock.advance(1_000)
  await coordinator.wakeLives.execute([begun])
  assert.equal(await stateOf(coordinator, begun), 'running null')
  await report(coordinator, begun, { type: 'finished', outcome: 'succeeded' })
  assert.equal(await stateOf(coordinator, begun), 'succeeded completed')
  const late = await started(coordinator, { deadlineMs: 1_000 })
  await clock.advance(1_000)
  assert.deepEqual(await claimTask.execute('default', claimOf(late)), { run: false, reason: 'its deadline has passed' })
  assert.equal(await wakes(coordinator, late), 'expired deadline')
  assert.deepEqual(await claimTask.execute('default', claimOf(late)), { run: false, reason: 'the run is expired' })
})

test('a deadline counts from the moment at which a run is due, and not for one that has started', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock } = coordinator
  const delayed = await started(coordinator, { delayMs: 3_600_000, deadlineMs: 60_000 })
  assert.equal(await wakes(coordinator, delayed), 'queued null')
  assert.equal(await wakes(coordinator, delayed), 'expired deadline')
  const quick = await started(coordinator, { deadlineMs: 60_000, attempts: 3, backoff: { type: 'fixed', delayMs: 100_000 } })
  await report(coordinator, quick, { type: 'started' })
  await clock.advance(70_000)
  await report(coordinator, quick, failed)
  assert.equal(await wakes(coordinator, quick), 'queued null')
  assert.equal((await runOf(coordinator, quick)).wakeAt, null)
})

for (const many of [{ mode: 'broadcast' }, { shards: 2 }, { mode: 'map' }, { shards: 2, labels: { gpu: 'true' } }])
  test(`a fan-out run that no instance can begin is queued, says why, and expires: ${JSON.stringify(many)}`, async (context) => {
    const coordinator = await createTestCoordinator(context)
    const { readRuns, store } = coordinator
    const id = await started(coordinator, { ...many, deadlineMs: 5_000 })
    const waits = await readRuns.get('default', id)
    assert.deepEqual([waits.state, waits.reason], ['queued', 'no-instance'])
    let state = ''
    for (let i = 0; i < 5 && !state.startsWith('expired'); i++) state = await wakes(coordinator, id)
    assert.equal(state, 'expired deadline')
    assert.deepEqual((await store.tasks.list({ runId: id, limit: 10 })).items, [])
  })

test('shards with limits begin when an instance may have them: their time counts from then on, and the deadline is kept', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { presence, clock, store } = coordinator
  const id = await started(coordinator, { shards: 2, deadlineMs: 5_000, runTimeoutMs: 60_000 })
  assert.equal(await wakes(coordinator, id), 'queued null')
  presence.alive.set('hello', ['i-1'])
  assert.equal(await wakes(coordinator, id), 'running null')
  assert.equal((await runOf(coordinator, id)).startedAt, clock.now())
  assert.equal((await store.tasks.list({ runId: id, limit: 10 })).items.length, 2)
  await clock.advance(10_000)
  assert.equal(await wakes(coordinator, id), 'running null')
})

test('shards without limits begin at once, and say when no instance may have them', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { readRuns, presence } = coordinator
  const id = await started(coordinator, { shards: 2 })
  const waits = await readRuns.get('default', id)
  assert.deepEqual([waits.state, waits.reason], ['running', 'no-instance'])
  assert.match(waits.message ?? '', /no instance offers handler `hello`/)
  const { items } = await readRuns.tasks('default', { runId: id, limit: 10 })
  assert.deepEqual(
    items.map(({ state, reason }) => [state, reason]),
    [
      ['queued', 'no-instance'],
      ['queued', 'no-instance'],
    ],
  )
  presence.alive.set('hello', ['i-1'])
  assert.equal((await readRuns.get('default', id)).reason, undefined)
})

test('a run whose time is over is cancelled where it runs, and ends as timed out when that is confirmed, or when its owner is silent', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { fake } = coordinator
  for (const isConfirmed of [true, false]) {
    const id = await started(coordinator, { runTimeoutMs: 10_000, attempts: 5 })
    await report(coordinator, id, { type: 'started' })
    assert.equal(await wakes(coordinator, id), 'cancelling run-timeout')
    assert.deepEqual(fake.publishedTo('control.i-1').at(-1), { type: 'cancel', taskId: id })
    if (isConfirmed) await report(coordinator, id, { type: 'finished', outcome: 'cancelled' })
    else await wakes(coordinator, id)
    assert.equal(await stateOf(coordinator, id), 'timed_out run-timeout')
    assert.match((await runOf(coordinator, id)).error?.message ?? '', /longer than 10000 ms, over all attempts/)
  }
})

test('the time of a run goes on while it waits for a further attempt, and after it no attempt begins', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock } = coordinator
  const id = await started(coordinator, { runTimeoutMs: 10_000, attempts: 5, backoff: { type: 'fixed', delayMs: 8_000 } })
  await report(coordinator, id, { type: 'started' })
  await clock.advance(1_000)
  await report(coordinator, id, failed)
  assert.equal(await wakes(coordinator, id), 'queued null')
  assert.equal(await wakes(coordinator, id), 'timed_out run-timeout', 'queued until then')
  const other = await started(coordinator, { runTimeoutMs: 10_000, attempts: 5, backoff: { type: 'fixed', delayMs: 60_000 } })
  await report(coordinator, other, { type: 'started' })
  const began = clock.now()
  await report(coordinator, other, failed)
  assert.equal(await wakes(coordinator, other), 'timed_out run-timeout', 'delayed until then')
  assert.equal(clock.now() - began, 10_000)
  assert.equal((await runOf(coordinator, other)).error?.message, 'the run took longer than 10000 ms, over all attempts')
})

test('a success at the last moment is one', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await started(coordinator, { runTimeoutMs: 10_000 })
  await report(coordinator, id, { type: 'started' })
  await wakes(coordinator, id)
  await report(coordinator, id, { type: 'finished', outcome: 'succeeded', result: 1 })
  assert.equal(await stateOf(coordinator, id), 'succeeded completed')
})

test('a fan-out run whose time is over stops its tasks', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, presence } = coordinator
  presence.alive.set('hello', ['i-1'])
  const id = await started(coordinator, { shards: 2, runTimeoutMs: 10_000 })
  assert.equal(await stateOf(coordinator, id), 'running null')
  for (let i = 0; i < 3 && (await runOf(coordinator, id)).endedAt === null; i++) await wakes(coordinator, id)
  assert.equal(await stateOf(coordinator, id), 'timed_out run-timeout')
  const { items } = await store.tasks.list({ runId: id, limit: 10 })
  assert.deepEqual(
    items.map(({ state }) => state),
    ['cancelled', 'cancelled'],
  )
})
