import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aRun, aTask } from '@carillon/store/testing'
import { createTestCoordinator } from '../testing/test-coordinator.ts'

test('a fan-out run at a glance: how far, how long, what failed, what is slow', async (context) => {
  const { store, clock, readTree } = await createTestCoordinator(context)
  const startedAt = clock.now() - 30_000
  const run = aRun(1, { mode: 'shards', state: 'running', plan: { shards: 4 }, queuedAt: null, startedAt })
  await store.runs.insert([run])
  await store.tasks.insert([
    aTask(run.id, 0, { state: 'succeeded', startedAt, endedAt: startedAt + 5_000, queuedAt: null }),
    aTask(run.id, 1, {
      state: 'failed',
      startedAt,
      endedAt: startedAt + 9_000,
      queuedAt: null,
      error: { name: 'Error', message: 'no room' },
    }),
    aTask(run.id, 2, { state: 'running', owner: 'i-2', startedAt, queuedAt: null, progress: { percent: 50 } }),
    aTask(run.id, 3, { state: 'waiting', queuedAt: null }),
  ])
  const tree = await readTree.execute('default', run.id)
  assert.deepEqual([tree.percent, tree.leftMs, tree.state], [62.5, 18_000, 'running'])
  assert.deepEqual(tree.stages, [{ name: 'shards', total: 4, counts: { failed: 1, running: 1, succeeded: 1, waiting: 1 } }])
  assert.deepEqual([tree.failed.map(({ index }) => index), tree.slowest.map(({ index }) => index)], [[1], [2, 1, 0]])
})

test('a run with one task has no tree, one of another namespace is not there', async (context) => {
  const { store, readTree } = await createTestCoordinator(context)
  await store.runs.insert([aRun(1), aRun(2, { mode: 'shards', namespace: 'shop' })])
  await assert.rejects(readTree.execute('default', aRun(1).id), { code: 'INVALID_REQUEST' })
  await assert.rejects(readTree.execute('default', aRun(2).id), { code: 'RUN_NOT_FOUND' })
})

test('what has not begun has no estimate, what has ended is whole', async (context) => {
  const { store, readTree } = await createTestCoordinator(context)
  await store.runs.insert([aRun(1, { mode: 'shards' }), aRun(2, { mode: 'shards', state: 'cancelled', queuedAt: null })])
  const [queued, ended] = [await readTree.execute('default', aRun(1).id), await readTree.execute('default', aRun(2).id)]
  assert.deepEqual([queued.percent, queued.leftMs, ended.percent, ended.leftMs], [0, undefined, 100, undefined])
})
