import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RUN_STATES, stageTaskId } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { RunRecord, TaskRecord } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, type TestCoordinator } from '../../testing/test-coordinator.ts'

const LEAVES = 1_300
const PARTS = 1_200

/** A run whose map has as many leaves, and whose reduce is asked for as many parts. */
async function withLeaves(coordinator: TestCoordinator): Promise<{ run: RunRecord; endMap: () => Promise<void> }> {
  const { clock, runs, mapTasks, store, applyReports } = coordinator
  const run = aRun(1, { mode: 'map-reduce', queuedAt: clock.now(), plan: { shards: PARTS } })
  await runs.insert([run])
  await settle()
  const taskId = stageTaskId(run.id, 'map')
  for (let call = 0; call * 500 < LEAVES; call++) {
    const items = Array.from({ length: Math.min(500, LEAVES - call * 500) }, (_, i) => i)
    await mapTasks.execute('default', { taskId, attempt: 1, instance: 'i-1', call, name: 'page', items })
  }
  const set = { state: 'succeeded', result: '1', endedAt: clock.now(), queuedAt: null } as const
  const { items } = await store.tasks.list({ runId: run.id, from: `${taskId}-`, limit: LEAVES })
  await store.tasks.update(items.map(({ id }) => ({ id, expect: { state: RUN_STATES }, set })))
  const finished = { type: 'finished', runId: run.id, taskId, attempt: 1, outcome: 'succeeded' }
  return { run, endMap: () => applyReports.execute([reportsFrom('i-1', finished)]).then(settle) }
}
const partsOf = async ({ store }: TestCoordinator, { id }: RunRecord): Promise<TaskRecord[]> =>
  (await store.tasks.listWhole({ runId: id, from: `${id}-b`, limit: 2 * PARTS })).items

test('a reduce of which only some parts could be made has all of them in the end, and begins no sooner', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, endMap } = await withLeaves(coordinator)
  const { insert } = coordinator.store.tasks
  let pages = 0
  const broken = context.mock.method(coordinator.store.tasks, 'insert', async (tasks: readonly TaskRecord[]) => {
    if (++pages > 1) throw new Error('the store is away')
    return insert.call(coordinator.store.tasks, tasks)
  })
  await endMap()
  const some = await partsOf(coordinator, run)
  assert.ok(some.length > 0 && some.length < PARTS, `${some.length} parts`)
  // Again and again while the store is away: nothing begins.
  await coordinator.advance.execute(run.id).catch(() => undefined)
  await settle()
  assert.ok((await partsOf(coordinator, run)).every(({ state }) => state === 'waiting'))
  broken.mock.restore()
  await coordinator.advance.execute(run.id)
  await settle()
  const parts = await partsOf(coordinator, run)
  assert.equal(parts.length, PARTS)
  assert.ok(parts.every(({ state }) => state === 'queued'))
  const ranges = parts.map(({ item }) => JSON.parse(item ?? '') as { from: string; before: string })
  for (const [i, { from }] of ranges.entries()) if (i > 0) assert.equal(from, ranges[i - 1]?.before)
  // Even, larger ones first: two leaves in each of the first hundred.
  const reads = [0, LEAVES - PARTS - 1, LEAVES - PARTS, PARTS - 1].map((part) =>
    coordinator.readResults.execute('default', { taskId: parts[part]?.id ?? '', limit: 10 }),
  )
  assert.deepEqual(
    (await Promise.all(reads)).map(({ items }) => items.length),
    [2, 2, 1, 1],
  )
})
