import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RunState, Stage } from '@carillon/contracts'
import type { Plan, RunRecord } from '@carillon/store'
import { aRun, aTask } from '@carillon/store/testing'
import type { Effect } from '../mode.ts'
import { type MapFacts, planMap, rangeOf, ranksOf, ranksToReduce, reduceTasks, type StageTally, stagesOf } from './plan.ts'

const NOW = Date.UTC(2026, 5, 1)
const runOf = (fields: Partial<RunRecord> = {}, plan: Plan | null = null) =>
  aRun(1, { mode: 'map-reduce', state: 'running', queuedAt: null, plan, ...fields })
const plan = (run: RunRecord, known: Partial<MapFacts>) => planMap({ run, now: NOW, ...known })
/** Of a reduce that is to be made: how many parts it has. */
const parts = (run: RunRecord, tally: readonly StageTally[]) => {
  const firsts = ranksToReduce(run, tally)
    .slice(1)
    .map((rank) => `${run.id}-a-${rank}`)
  const made = created(plan(run, { tally, firsts }))
  assert.ok(made?.every(([, name]) => name === 'reduce'))
  return made?.length
}
/** So many tasks of a stage in a state. */
const kind = (stage: Stage, state: RunState, count: number): StageTally => ({ stage, state, count, mapped: 0 })
/** Those that have mapped are no leaves. */
const mapped = (state: RunState, count: number): StageTally => ({ stage: 'map', state, count, mapped: 1 })
const ID = aRun(1).id
const [ROOT, FOUR] = [mapped('succeeded', 1), kind('map', 'succeeded', 4)]
const endOf = ([effect, ...others]: readonly Effect[]) => {
  assert.equal(others.length, 0)
  return effect?.do === 'decide' ? effect.decision.set : undefined
}
const created = ([effect]: readonly Effect[]) => (effect?.do === 'create' ? [...effect.tasks].map(({ id, name }) => [id, name]) : undefined)

test('a run begins with its root', () => {
  const queued = runOf({ state: 'queued', queuedAt: NOW })
  const [create, begin] = plan(queued, { tally: [] })
  assert.deepEqual(created(create ? [create] : []), [[`${queued.id}-a`, 'root']])
  assert.equal(begin?.do === 'decide' && begin.decision.set.state, 'running')
  // After a crash in between the root is there, and begins.
  const again = plan(queued, { tally: [kind('map', 'waiting', 1)] })
  assert.ok(again.every((effect) => effect.do !== 'create'))
  const last = again.at(-1)
  assert.equal(last?.do === 'decide' && last.decision.set.state, 'running')
})

test('while a task is open as many as may be under way are freed, and nothing is decided', () => {
  assert.deepEqual(plan(runOf(), {}), [])
  assert.deepEqual(plan(runOf(), { waiting: 'map' }), [{ do: 'free', tasks: { states: ['waiting'], from: `${ID}-a`, before: `${ID}-b` } }])
  const limited = runOf({}, { maxParallel: 3 })
  assert.deepEqual(plan(limited, { waiting: 'reduce', underWay: 1 }), [
    { do: 'free', tasks: { states: ['waiting'], from: `${ID}-b`, before: `${ID}-c` }, limit: 3, room: 2 },
  ])
  assert.deepEqual(plan(limited, { waiting: 'map', underWay: 3 }), [])
  assert.deepEqual(plan(runOf({ state: 'cancelling' }), { isStoppable: true }), [
    { do: 'cancel', tasks: { states: ['waiting', 'delayed', 'queued', 'running', 'paused'] } },
  ])
  assert.deepEqual(plan(runOf({ state: 'cancelling' }), { isStoppable: false }), [])
})

test('the stages follow each other: map, reduce in parts, merge, end', () => {
  const run = runOf({}, { shards: 3 })
  assert.equal(parts(run, [ROOT, FOUR]), 3)
  // A leaf has changed meanwhile.
  assert.deepEqual(plan(run, { tally: [ROOT, FOUR] }), [])
  const reduced = kind('reduce', 'succeeded', 3)
  assert.deepEqual(created(plan(run, { tally: [ROOT, FOUR, reduced] })), [[`${run.id}-c`, 'merge']])
  const last = aTask(run.id, 0, { id: `${run.id}-c`, name: 'merge', state: 'succeeded', result: '{"the":3}' })
  const end = endOf(plan(run, { tally: [ROOT, FOUR, reduced, kind('merge', 'succeeded', 1)], last }))
  assert.deepEqual([end?.state, end?.reason, end?.result], ['succeeded', 'completed', '{"the":3}'])
})

test('there are not more parts than leaves; one part needs no merge, no leaf no reduce', () => {
  assert.equal(parts(runOf({}, { shards: 100 }), [ROOT, FOUR]), 4)
  assert.equal(parts(runOf(), [ROOT, FOUR]), 1)
  // A root that has mapped nothing is a leaf itself.
  assert.equal(parts(runOf({}, { shards: 3 }), [kind('map', 'succeeded', 1)]), 1)
  const run = runOf()
  const last = aTask(run.id, 0, { id: `${run.id}-b00000`, name: 'reduce', state: 'succeeded', result: '7' })
  assert.equal(endOf(plan(run, { tally: [ROOT, FOUR, kind('reduce', 'succeeded', 1)], last }))?.result, '7')
  const none = endOf(plan(runOf({}, { tolerate: '100%' }), { tally: [ROOT, kind('map', 'failed', 4)] }))
  assert.deepEqual([none?.state, none?.result], ['succeeded', '{"tasks":{"failed":4}}'])
})

test('a map ends with its leaves, and tells how many there are of each state', () => {
  const end = endOf(plan(runOf({ mode: 'map' }), { tally: [ROOT, mapped('succeeded', 2), FOUR] }))
  assert.deepEqual([end?.state, end?.result], ['succeeded', '{"tasks":{"succeeded":4}}'])
})

test('leaves that fail fail the run unless they are tolerated; so does what failed after it had mapped', () => {
  for (const [mode, tolerate, failed, expected] of [
    ['map', 0, kind('map', 'failed', 1), 'failed'],
    ['map', 1, kind('map', 'failed', 1), 'succeeded'],
    ['map', 0, mapped('timed_out', 1), 'failed'],
    ['map', 1, mapped('failed', 1), 'succeeded'],
    ['map', '20%', kind('map', 'failed', 1), 'succeeded'],
    ['map', '19%', kind('map', 'failed', 1), 'failed'],
    ['map-reduce', 0, kind('map', 'failed', 1), 'failed'],
  ] as const) {
    const end = endOf(plan(runOf({ mode }, { tolerate }), { tally: [ROOT, FOUR, failed] }))
    assert.deepEqual([end?.state, end?.error?.message], [expected, '1 of 5 tasks failed'], JSON.stringify([mode, tolerate, failed]))
  }
  // Of a map-reduce the others are reduced.
  const tolerant = runOf({}, { tolerate: 1, shards: 8 })
  assert.equal(parts(tolerant, [ROOT, FOUR, kind('map', 'failed', 1)]), 4)
})

test('a reduce or merge that fails fails the run, whatever is tolerated', () => {
  const run = runOf({}, { tolerate: '100%', shards: 2 })
  const parts = [kind('reduce', 'succeeded', 1), kind('reduce', 'failed', 1)]
  const reduce = endOf(plan(run, { tally: [ROOT, FOUR, ...parts] }))
  assert.deepEqual([reduce?.state, reduce?.reason, reduce?.error?.message], ['failed', 'tasks-failed', '1 of 2 tasks failed'])
  const merge = endOf(plan(run, { tally: [ROOT, FOUR, kind('reduce', 'succeeded', 2), kind('merge', 'timed_out', 1)] }))
  assert.equal(merge?.state, 'failed')
})

test('a run that is cancelled between two stages ends, one that had nothing left to do has succeeded', () => {
  const run = runOf({ state: 'cancelling' }, { shards: 2 })
  for (const tally of [
    [ROOT, FOUR],
    [ROOT, FOUR, kind('reduce', 'succeeded', 2)],
    [ROOT, kind('map', 'cancelled', 4)],
    [ROOT, FOUR, kind('reduce', 'succeeded', 1), kind('reduce', 'cancelled', 1)],
  ]) {
    const end = endOf(plan(run, { tally }))
    assert.deepEqual([end?.state, end?.reason], ['cancelled', 'cancelled-by-request'], JSON.stringify(tally))
  }
  assert.equal(endOf(plan(run, { tally: [ROOT, FOUR, kind('reduce', 'succeeded', 2), kind('merge', 'succeeded', 1)] }))?.state, 'succeeded')
})

test('of a retried run what did not succeed is run again; what was reduced too early as well', () => {
  const run = runOf({ state: 'queued', queuedAt: NOW, attempt: 2, reason: 'retry-failed' })
  const failed = { do: 'reopen', tasks: { states: ['failed', 'timed_out', 'cancelled'] } }
  const effects = (tally: StageTally[]) => plan(run, { tally }).filter((effect) => effect.do === 'reopen')
  assert.deepEqual(effects([ROOT, FOUR, kind('reduce', 'failed', 1)]), [failed])
  const tolerated = [ROOT, FOUR, kind('map', 'failed', 1), kind('reduce', 'succeeded', 1)]
  assert.deepEqual(effects(tolerated), [failed, { do: 'reopen', tasks: { states: ['succeeded'], from: `${run.id}-b` } }])
})

test('parts are contiguous and even, larger ones first', () => {
  assert.deepEqual(ranksOf(10, 3), [0, 4, 7])
  assert.deepEqual(ranksOf(5, 1), [0])
  assert.deepEqual(ranksOf(3, 3), [0, 1, 2])
  for (let leaves = 1; leaves <= 30; leaves++)
    for (let parts = 1; parts <= leaves; parts++) {
      const ranks = [...ranksOf(leaves, parts), leaves]
      const sizes = ranks.slice(1).map((rank, i) => rank - (ranks[i] ?? 0))
      assert.deepEqual([sizes.length, sizes.reduce((sum, size) => sum + size)], [parts, leaves])
      assert.deepEqual(
        sizes,
        sizes.toSorted((one, other) => other - one),
      )
      assert.ok((sizes[0] ?? 0) - (sizes.at(-1) ?? 0) <= 1, `${leaves} in ${parts}: ${sizes}`)
    }
})

test('reduce tasks have ranges of ids that leave out nothing; a merge has those of the reduce', () => {
  const run = runOf({}, { shards: 3 })
  const tasks = reduceTasks(run, [`${run.id}-a-000002`, `${run.id}-a-000007`])
  assert.deepEqual(
    tasks.map((task) => [task.id, task.name, task.index, task.total, rangeOf(task)]),
    [
      [`${run.id}-b00001`, 'reduce', 1, 3, { from: `${run.id}-a-000002`, before: `${run.id}-a-000007` }],
      [`${run.id}-b00002`, 'reduce', 2, 3, { from: `${run.id}-a-000007`, before: `${run.id}-b` }],
      // Made last: none begins before it is there.
      [`${run.id}-b00000`, 'reduce', 0, 3, { from: `${run.id}-a`, before: `${run.id}-a-000002` }],
    ],
  )
  assert.deepEqual(rangeOf(aTask(run.id, 0, { id: `${run.id}-c` })), { from: `${run.id}-b`, before: `${run.id}-c` })
  assert.equal(rangeOf(aTask(run.id, 0, { id: `${run.id}-a-000002`, item: '{"from":"a","before":"b"}' })), undefined)
})

test('stages are shown in the order in which they come', () => {
  const names = ['merge', 'page', 'reduce', 'chapter', 'root'].map((name) => ({ name, state: 'succeeded', count: 2 }) as const)
  const stages = stagesOf([...names, { name: 'page', state: 'failed', count: 1 }])
  assert.deepEqual(
    stages.map(({ name, total }) => [name, total]),
    [
      ['root', 2],
      ['chapter', 2],
      ['page', 3],
      ['reduce', 2],
      ['merge', 2],
    ],
  )
  assert.deepEqual(stages[2]?.counts, { succeeded: 2, failed: 1 })
})
