import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { POISON_AFTER } from '@carillon/contracts'
import { settle, signal } from '@carillon/runtime/testing'
import type { RunRecord } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

const DONE = { type: 'done' } as const

async function aTask(context: TestContext): Promise<{ coordinator: TestCoordinator; run: RunRecord }> {
  const coordinator = await createTestCoordinator(context)
  const run = aRun(1, { queuedAt: coordinator.clock.now(), tries: 2, attempts: 2 })
  await coordinator.runs.insert([run])
  await settle()
  return { coordinator, run }
}
const stepOf = (run: RunRecord, more: object = {}) =>
  ({ taskId: run.id, attempt: 1, instance: 'i-1', index: 0, name: 'a', try: 1, outcome: { ...DONE, result: 'one' }, ...more }) as const
const started = (run: RunRecord) => reportsFrom('i-1', { type: 'started', runId: run.id, taskId: run.id, attempt: 1 })

test('a step is stored once: a repetition gets what was stored first', async (context) => {
  const { coordinator, run } = await aTask(context)
  const store = (more: object = {}) => coordinator.keepSteps.store('default', stepOf(run, more))
  assert.equal((await store()).stored.result, 'one')
  assert.equal((await store({ outcome: { ...DONE, result: 'two' } })).stored.result, 'one')
  // Its start may not have been stored yet; that another one has it may not be known.
  assert.equal((await store({ instance: 'i-2', outcome: { ...DONE, result: 'three' } })).stored.result, 'one')
  await coordinator.applyReports.execute([started(run)])
  assert.equal((await store({ index: 1, name: 'b' })).stored.name, 'b')
  const { items } = await coordinator.keepSteps.read('default', { taskId: run.id, limit: 10 })
  assert.deepEqual(
    items.map(({ index, name, result }) => [index, name, result]),
    [
      [0, 'a', 'one'],
      [1, 'b', 'one'],
    ],
  )
})

test('who does not run the task stores nothing: another instance, an old attempt, after its end, in another namespace', async (context) => {
  const { coordinator, run } = await aTask(context)
  await coordinator.applyReports.execute([started(run)])
  const store = (more: object, namespace = 'default') => coordinator.keepSteps.store(namespace, stepOf(run, more))
  await assert.rejects(store({ instance: 'i-2' }), { code: 'TASK_NOT_RUNNING' })
  await assert.rejects(store({ attempt: 2 }), { code: 'TASK_NOT_RUNNING' })
  await assert.rejects(store({}, 'other'), { code: 'RUN_NOT_FOUND' })
  await assert.rejects(store({ taskId: 'run9999999999999' }), { code: 'RUN_NOT_FOUND' })
  await assert.rejects(store({ outcome: { ...DONE, result: 'x'.repeat(300_000) } }), { code: 'RESULT_TOO_LARGE' })
  await coordinator.changeRuns.cancel('default', run.id)
  // The step was done before the cancel: its result is kept.
  assert.equal((await store({})).stored.state, 'done')
  await coordinator.applyReports.execute([
    reportsFrom('i-1', { type: 'finished', runId: run.id, taskId: run.id, attempt: 1, outcome: 'cancelled' }),
  ])
  await assert.rejects(store({ index: 1 }), { code: 'TASK_NOT_RUNNING' })
})

test('nothing is stored after the end, also when the answer about the start came after that about the end', async (context) => {
  const { coordinator, run } = await aTask(context)
  const { store, applyReports } = coordinator
  const update = store.runs.update.bind(store.runs)
  const [isStored, mayAnswer] = [signal(), signal()]
  context.mock.method(
    store.runs,
    'update',
    async (changes: Parameters<typeof update>[0]) => {
      const outcomes = await update(changes)
      isStored.fire()
      await mayAnswer.fired
      return outcomes
    },
    { times: 1 },
  )
  const start = applyReports.execute([started(run)])
  await isStored.fired
  await applyReports.execute([
    reportsFrom('i-1', { type: 'finished', runId: run.id, taskId: run.id, attempt: 1, outcome: 'succeeded', result: 1 }),
  ])
  mayAnswer.fire()
  await start
  await assert.rejects(coordinator.keepSteps.store('default', stepOf(run)), { code: 'TASK_NOT_RUNNING' })
})

test('a task that sleeps comes again as the next attempt and uses no try; the same report once more changes nothing', async (context) => {
  const { coordinator, run } = await aTask(context)
  const slept = reportsFrom('i-1', { type: 'slept', runId: run.id, taskId: run.id, attempt: 1, delayMs: 5_000 })
  await coordinator.applyReports.execute([started(run)])
  await coordinator.applyReports.execute([slept])
  const asleep = await runOf(coordinator, run.id)
  assert.deepEqual(
    [asleep.state, asleep.reason, asleep.attempt, asleep.attempts, asleep.owner, asleep.wakeAt],
    ['delayed', 'sleep', 2, 3, null, coordinator.clock.now() + 5_000],
  )
  await coordinator.applyReports.execute([slept])
  assert.deepEqual(await runOf(coordinator, run.id), asleep)
  await coordinator.clock.advance(5_000)
  await coordinator.wakeLives.execute([run.id])
  assert.equal((await runOf(coordinator, run.id)).state, 'queued')
})

test('a run that is being cancelled does not go to sleep: it is cancelled', async (context) => {
  const { coordinator, run } = await aTask(context)
  await coordinator.applyReports.execute([started(run)])
  await coordinator.changeRuns.cancel('default', run.id)
  await coordinator.applyReports.execute([reportsFrom('i-1', { type: 'slept', runId: run.id, taskId: run.id, attempt: 1, delayMs: 0 })])
  const { state, reason } = await runOf(coordinator, run.id)
  assert.deepEqual([state, reason], ['cancelled', 'cancelled-by-request'])
})

test('a task that gets on is no poison: each step that is done clears its count of losses', async (context) => {
  const { coordinator, run } = await aTask(context)
  await coordinator.applyReports.execute([started(run)])
  for (let attempt = 1; attempt < 2 * POISON_AFTER; attempt++) {
    const index = attempt - 1
    await coordinator.keepSteps.store('default', stepOf(run, { attempt, index, name: `step-${index}` }))
    assert.equal((await runOf(coordinator, run.id)).losses, 0)
    await coordinator.takeOverInstance.execute('default', 'i-1', new AbortController().signal)
    const lost = await runOf(coordinator, run.id)
    assert.deepEqual([lost.state, lost.attempt, lost.losses], ['queued', attempt + 1, 1])
    await coordinator.applyReports.execute([reportsFrom('i-1', { type: 'started', runId: run.id, taskId: run.id, attempt: attempt + 1 })])
  }
})
