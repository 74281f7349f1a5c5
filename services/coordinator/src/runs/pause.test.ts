import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseInput, startRunSchema } from '@carillon/contracts'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../testing/workflow-runs.ts'

const CHAIN = {
  nodes: [
    { id: 'a', handler: 'h' },
    { id: 'b', handler: 'h', after: 'a' },
  ],
}

async function start(coordinator: TestCoordinator, fields: object): Promise<string> {
  const request = parseInput(startRunSchema, { handler: 'h', ...fields })
  const [started] = await coordinator.startRuns.execute([
    { namespace: 'default', request, bytes: 100, trigger: 'call', traceparent: undefined },
  ])
  assert.ok(started && 'runId' in started)
  await turns()
  return started.runId
}

const pause = async ({ changeRuns }: TestCoordinator, id: string) => {
  const view = await changeRuns.pause('default', id)
  await turns()
  return view
}
const resume = async ({ changeRuns }: TestCoordinator, id: string) => {
  const view = await changeRuns.resume('default', id)
  await turns()
  return view
}

test('what is under way in a paused workflow ends, and nothing starts until it is resumed (52)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, CHAIN)
  const task = await run.task('a')
  await coordinator.applyReports.execute([reportsFrom('i-1', { runId: run.id, taskId: task?.id, attempt: 1, type: 'started' })])
  const view = await pause(coordinator, run.id)
  assert.equal(view.state, 'paused')
  assert.ok(view.pausedAt)
  assert.match((await coordinator.readRuns.why('default', run.id)).why, /^it has been paused since .*: carillon runs resume/)
  await run.ends('a')
  assert.equal(await run.states(), 'a:succeeded')
  assert.equal((await pause(coordinator, run.id)).state, 'paused')
  await coordinator.clock.advance(5_000)
  assert.equal((await resume(coordinator, run.id)).pausedMs, 5_000)
  assert.equal(await run.states(), 'a:succeeded b:queued')
  await run.ends('b')
  assert.equal((await run.record()).state, 'succeeded')
  await assert.rejects(pause(coordinator, run.id), { code: 'RUN_ENDED' })
})

test('what is queued is taken out of the queue; what was begun a moment before counts', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, {
    nodes: [
      { id: 'a', handler: 'h' },
      { id: 'b', handler: 'h' },
    ],
  })
  await pause(coordinator, run.id)
  assert.equal(await run.states(), 'a:paused b:paused')
  assert.equal(coordinator.fake.purged.length, 2)
  const task = await run.task('a')
  await coordinator.applyReports.execute([reportsFrom('i-1', { runId: run.id, taskId: task?.id, attempt: 1, type: 'started' })])
  assert.equal(await run.states(), 'a:running b:paused')
  // The attempt after one that has failed waits as well.
  const [lost] = await coordinator.store.tasks.heads([task?.id ?? ''])
  assert.equal(lost?.owner, 'i-1')
  coordinator.presence.lost.add('i-1')
  await coordinator.takeOverInstance.execute('default', 'i-1', new AbortController().signal)
  await turns()
  assert.equal(await run.states(), 'a:paused b:paused')
  await resume(coordinator, run.id)
  assert.equal(await run.states(), 'a:queued b:queued')
  assert.equal((await run.task('a'))?.attempt, 2)
})

test('the time limit of a run, and the time of a wait, stand still', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = [
    { id: 'w', wait: { durationMs: 60_000 } },
    { id: 'n', handler: 'h', after: 'w' },
  ]
  const run = await WorkflowRun.start(coordinator, { nodes })
  await coordinator.clock.advance(20_000)
  await pause(coordinator, run.id)
  assert.equal((await run.task('w'))?.wakeAt, null)
  await coordinator.clock.advance(100_000)
  await resume(coordinator, run.id)
  assert.equal((await run.task('w'))?.wakeAt, coordinator.clock.now() + 40_000)
  const wake = async (id: string | undefined) => {
    await coordinator.wakeLives.execute([id as string])
    await turns()
  }
  await coordinator.clock.advance(39_000)
  await wake((await run.task('w'))?.id)
  assert.equal(await run.states(), 'w:delayed')
  await coordinator.clock.advance(1_000)
  await wake((await run.task('w'))?.id)
  assert.equal(await run.states(), 'w:succeeded n:queued')
})

test('a run limit counts the time in which it was not paused', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await start(coordinator, { shards: 1, mode: undefined, runTimeoutMs: 60_000 })
  coordinator.presence.alive.set('h', ['i-1'])
  coordinator.advance.soon(id)
  await turns()
  assert.equal((await runOf(coordinator, id)).state, 'running')
  await coordinator.clock.advance(50_000)
  await pause(coordinator, id)
  await coordinator.clock.advance(500_000)
  await coordinator.wakeLives.execute([id])
  await turns()
  assert.equal((await runOf(coordinator, id)).state, 'paused')
  await resume(coordinator, id)
  await coordinator.wakeLives.execute([id])
  assert.equal((await runOf(coordinator, id)).state, 'running')
  await coordinator.clock.advance(12_000)
  await coordinator.wakeLives.execute([id])
  await turns()
  const { state, reason } = await runOf(coordinator, id)
  assert.deepEqual([state, reason], ['timed_out', 'run-timeout'])
})

test('shards: no further one is freed, and those that were queued go on', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await start(coordinator, { shards: 4, maxParallel: 2 })
  const states = async () => (await coordinator.store.tasks.list({ runId: id, limit: 10 })).items.map(({ state }) => state).join(' ')
  assert.equal(await states(), 'queued queued waiting waiting')
  await pause(coordinator, id)
  assert.equal(await states(), 'paused paused waiting waiting')
  await resume(coordinator, id)
  assert.equal(await states(), 'queued queued waiting waiting')
})

test('a cancel of a paused run, a retry after it, and what cannot be paused', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, CHAIN)
  await pause(coordinator, run.id)
  await coordinator.changeRuns.cancel('default', run.id)
  await turns()
  assert.equal(await run.states(), 'a:cancelled')
  assert.deepEqual([(await run.record()).state, (await run.record()).reason], ['cancelled', 'cancelled-by-request'])
  await coordinator.changeRuns.retry('default', { runId: run.id })
  await turns()
  assert.equal((await run.record()).terms, null)
  assert.equal((await run.task('a', 2))?.state, 'queued')
  const single = await start(coordinator, {})
  await assert.rejects(pause(coordinator, single), { code: 'RUN_NOT_PAUSABLE', message: /between two attempts/ })
})

test('a run with one task is paused between two attempts', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await start(coordinator, { attempts: 2, backoff: { type: 'fixed', delayMs: 10_000 } })
  const failed = { runId: id, taskId: id, attempt: 1, type: 'finished', outcome: 'failed', error: { name: 'Error', message: 'no' } }
  await coordinator.applyReports.execute([reportsFrom('i-1', failed)])
  assert.equal((await pause(coordinator, id)).state, 'paused')
  await coordinator.clock.advance(60_000)
  await coordinator.wakeLives.execute([id])
  assert.equal((await runOf(coordinator, id)).state, 'paused')
  assert.equal((await resume(coordinator, id)).state, 'delayed')
  await coordinator.wakeLives.execute([id])
  await turns()
  assert.deepEqual([(await runOf(coordinator, id)).state, (await runOf(coordinator, id)).attempt], ['queued', 2])
})
