import assert from 'node:assert/strict'
import { test } from 'node:test'
import { taskIdOf } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import { aRun, aTask } from '@carillon/store/testing'
import { createTestCoordinator } from '../testing/test-coordinator.ts'

test('a live owner is checked for what it runs: the broker may have lost the report of its end', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fake, presence } = coordinator
  const running = {
    state: 'running',
    owner: 'i-1',
    ownerSession: 'first',
    startedAt: clock.now(),
    queuedAt: null,
    wakeAt: clock.now(),
  } as const
  presence.sessions.set('i-1', 'first')
  const [single, fanned] = [aRun(1, running), aRun(2, { mode: 'shards', state: 'running', queuedAt: null })]
  const task = aTask(fanned.id, 0, running)
  await store.runs.insert([single, fanned])
  await store.tasks.insert([task])
  await coordinator.wakeLives.execute([single.id])
  await coordinator.wakeLives.execute([task.id])
  assert.deepEqual(fake.publishedTo('control.i-1'), [
    { type: 'check', runId: single.id, taskId: single.id, attempt: 1 },
    { type: 'check', runId: fanned.id, taskId: task.id, attempt: 1 },
  ])
})

test('a cancelled run is reconciled once more: tasks may have been made by a coordinator that did not know, and stopped', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, changeRuns } = coordinator
  const run = aRun(1, { mode: 'shards', plan: { shards: 1 }, queuedAt: clock.now(), wakeAt: clock.now() + 10_000 })
  await store.runs.insert([run])
  await changeRuns.cancel('default', run.id)
  await settle()
  await store.tasks.insert([aTask(run.id, 0, { state: 'waiting', queuedAt: null })])
  const [cancelled] = await store.runs.get([run.id])
  assert.deepEqual([cancelled?.state, cancelled?.wakeAt], ['cancelled', clock.now() + 10_000])
  await clock.advance(10_000)
  await coordinator.wakeLives.execute([run.id])
  await settle()
  assert.equal((await store.tasks.get([taskIdOf(run.id, 0)]))[0]?.state, 'cancelled')
  assert.equal((await store.runs.get([run.id]))[0]?.wakeAt, null)
})
