import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Graph, graphOf, nodeTaskId, type Workflow } from '@carillon/contracts'
import type { TaskRecord } from '@carillon/store'
import { aRun, aTask } from '@carillon/store/testing'
import { createTestCoordinator } from '../../testing/test-coordinator.ts'
import { treeOf } from './tree.ts'

const workflow: Workflow = {
  nodes: [
    { id: 'reserve', handler: 'reserve' },
    { id: 'check', decision: [{ when: 'payload.total > 10', to: 'review' }, { otherwise: 'charge' }], after: 'reserve' },
    { id: 'review', wait: { durationMs: 60_000 } },
    { id: 'charge', handler: 'charge', after: ['check', 'review'] },
    { id: 'tell', handler: 'tell', after: 'charge' },
    { id: 'old', handler: 'old', after: 'charge', disabled: true },
  ],
}
const graph = graphOf(workflow) as Graph
const RUN = aRun(1, { mode: 'workflow', state: 'running', graph: JSON.stringify(workflow), queuedAt: null })
const nodeTask = (place: number, task: Parameters<typeof aTask>[2], generation = 1) =>
  aTask(RUN.id, place, {
    id: nodeTaskId(RUN.id, place, generation),
    name: graph.nodes[place]?.id as string,
    node: {},
    queuedAt: null,
    ...task,
  })
const shown = (tree: ReturnType<typeof treeOf>) => tree.nodes?.map(({ id, state, waitsFor }) => [id, state, ...(waitsFor ?? [])])

const records = (tasks: ReadonlyMap<number, TaskRecord>, undos: ReadonlyMap<number, TaskRecord> = new Map()) => ({ tasks, undos })

test('each node has its state, and what holds it back', () => {
  const tasks = new Map([
    [0, nodeTask(0, { state: 'succeeded', attempt: 1 })],
    [1, nodeTask(1, { state: 'succeeded', node: { branch: 0 } })],
    [2, nodeTask(2, { state: 'delayed', wakeAt: 1_000 })],
  ])
  const tree = treeOf({ state: 'running' }, graph, records(tasks))
  assert.deepEqual(shown(tree), [
    ['reserve', 'succeeded'],
    ['check', 'succeeded'],
    ['review', 'delayed'],
    ['charge', 'waiting', 'review'],
    ['tell', 'waiting', 'charge'],
    ['old', 'waiting', 'charge'],
  ])
  assert.deepEqual(tree.nodes?.[1], {
    ...{ id: 'check', kind: 'decision', after: ['reserve'], state: 'succeeded', took: ['review'] },
    ...{ taskId: nodeTaskId(RUN.id, 1, 1), attempt: 1 },
  })
  assert.deepEqual([tree.nodes?.[2]?.when, tree.nodes?.[3]?.when], [{ check: 'payload.total > 10' }, { check: 'otherwise' }])
  assert.equal(tree.nodes?.[2]?.dueAt, '1970-01-01T00:00:01.000Z')
  assert.deepEqual(tree.stages, [{ name: 'nodes', total: 6, counts: { waiting: 3, delayed: 1, succeeded: 2 } }])
})

test('after a failure what follows is blocked; of an ended run nothing waits any more', () => {
  const tasks = new Map([[0, nodeTask(0, { state: 'failed' })]])
  assert.deepEqual(shown(treeOf({ state: 'failed' }, graph, records(tasks))), [
    ['reserve', 'failed'],
    ['check', 'blocked', 'reserve'],
    ['review', 'blocked', 'check'],
    ['charge', 'blocked', 'check', 'review'],
    ['tell', 'blocked', 'charge'],
    ['old', 'blocked', 'charge'],
  ])
  const cancelled = treeOf({ state: 'cancelled' }, graph, records(new Map()))
  assert.ok(cancelled.nodes?.every(({ state, waitsFor }) => state === 'cancelled' && waitsFor === undefined))
})

test('the branch that was not taken is not needed', () => {
  const tasks = new Map([
    [0, nodeTask(0, { state: 'succeeded' })],
    [1, nodeTask(1, { state: 'succeeded', node: { branch: 1 } })],
    [3, nodeTask(3, { state: 'succeeded' })],
    [4, nodeTask(4, { state: 'running' })],
  ])
  const tree = treeOf({ state: 'running' }, graph, records(tasks))
  assert.deepEqual(shown(tree)?.slice(2), [
    ['review', 'not_needed'],
    ['charge', 'succeeded'],
    ['tell', 'running'],
    ['old', 'skipped'],
  ])
})

test('the percentage counts nodes that have no task, and tasks of nodes that were begun again are not listed', async (context) => {
  const { store, readTree } = await createTestCoordinator(context)
  await store.runs.insert([{ ...RUN, generations: { 0: 2 } }])
  const error = { name: 'Error', message: 'history' }
  await store.tasks.insert([nodeTask(0, { state: 'failed', error }), nodeTask(0, { state: 'succeeded' }, 2)])
  const tree = await readTree.execute('default', RUN.id)
  assert.equal(tree.percent, 16.7)
  assert.deepEqual(tree.failed, [])
  assert.deepEqual(
    tree.nodes?.map(({ state }) => state),
    ['succeeded', ...Array(5).fill('waiting')],
  )
})

test('what was decided by request is shown with who has', () => {
  const tasks = new Map([
    [0, nodeTask(0, { state: 'skipped', reason: 'skipped-by-request', node: { by: 'ada' } })],
    [1, nodeTask(1, { state: 'succeeded', reason: 'succeeded-by-request', node: {} })],
  ])
  const [one, two] = treeOf({ state: 'running' }, graph, records(tasks)).nodes ?? []
  assert.deepEqual([one?.decided, two?.decided], [{ decision: 'skipped', by: 'ada' }, { decision: 'succeeded' }])
})
