import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, parseInput, workflowSchema } from '@carillon/contracts'
import { decidePause } from '../../runs/rules/pause.ts'
import { createTestCoordinator, type TestCoordinator } from '../../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../../testing/workflow-runs.ts'

const CHAIN = {
  nodes: [
    { id: 'a', handler: 'h' },
    { id: 'b', handler: 'h', after: 'a' },
  ],
}
const FAILED = { outcome: 'failed', error: { name: 'Error', message: 'no' } }

async function failed(coordinator: TestCoordinator): Promise<WorkflowRun> {
  const run = await WorkflowRun.start(coordinator, CHAIN)
  await run.ends('a')
  await run.ends('b', FAILED)
  assert.equal((await run.record()).state, 'failed')
  return run
}

test('while a retry has begun none of its nodes yet, no coordinator that plans the run ends it again (21)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await failed(coordinator)
  const { store, changeRuns, advance } = coordinator
  const insert = store.tasks.insert.bind(store.tasks)
  store.tasks.insert = () => Promise.reject(new Error('it dies here'))
  await changeRuns.retry('default', { runId: run.id, only: 'failed' })
  await turns()
  // All tasks that there are have ended.
  assert.equal(await run.states(), 'a:succeeded b:failed')
  await assert.rejects(advance.execute(run.id), { message: 'it dies here' })
  assert.equal((await run.record()).state, 'running')
  store.tasks.insert = insert
  await advance.execute(run.id)
  await turns()
  assert.equal(await run.states(), 'a:succeeded b:failed b:queued')
})

test('an end that was planned before a retry is not written after it (21)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, CHAIN)
  await run.ends('a')
  // Of two that plan the end of the run one is slow.
  const { store, changeRuns } = coordinator
  const update = store.runs.update.bind(store.runs)
  const held: (() => Promise<unknown>)[] = []
  store.runs.update = (changes) => {
    if (held.length > 0 || !changes.some(({ set }) => set.state === 'failed')) return update(changes)
    return new Promise((resolve) => held.push(async () => resolve(await update(changes))))
  }
  await run.ends('b', FAILED)
  await coordinator.advance.execute(run.id)
  assert.equal((await run.record()).state, 'failed')
  await changeRuns.retry('default', { runId: run.id, fromNode: 'b' })
  await turns()
  await held[0]?.()
  await turns()
  assert.deepEqual([(await run.record()).state, (await run.task('b', 2))?.state], ['running', 'queued'])
})

test('the message of a task goes out when the store has the task, and what was decided before a retry reverts nothing of it (22)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await failed(coordinator)
  const { store, changeRuns, fake, runs, clock } = coordinator
  const [before] = await store.runs.heads([run.id])
  const stored: Promise<unknown>[] = []
  fake.refusal = ({ body }) => {
    const { taskId } = JSON.parse(body) as { taskId?: string }
    if (taskId !== undefined) stored.push(store.tasks.get([taskId]).then(([task]) => task?.state))
    return undefined
  }
  await changeRuns.retry('default', { runId: run.id, fromNode: 'b' })
  await turns()
  assert.deepEqual(await Promise.all(stored), ['queued'])
  const old = decidePause({ ...(before as NonNullable<typeof before>), state: 'running' }, { now: clock.now() })
  assert.ok(!('why' in old))
  const [outcome] = await runs.write([{ run: before as NonNullable<typeof before>, decision: old }])
  assert.equal(outcome, 'refused')
  const { state, generations } = await run.record()
  assert.deepEqual([state, generations], ['running', { 1: 2 }])
})

test('a retry that is asked for twice at once is one, and the second is refused (24)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await failed(coordinator)
  const retry = () => coordinator.changeRuns.retry('default', { runId: run.id, only: 'failed' })
  const outcomes = await Promise.allSettled([retry(), retry()])
  await turns()
  const refused = outcomes.flatMap((one) => (one.status === 'rejected' && CarillonError.is(one.reason) ? [one.reason.code] : []))
  assert.deepEqual(refused, ['RUN_OPEN'])
  assert.deepEqual((await run.record()).generations, { 1: 2 })
  assert.equal(await run.states(), 'a:succeeded b:failed b:queued')
})

test('a decision that chooses the other branch in a re-run: the first one is not needed, and what it has set is gone (29)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const nodes = [
    { id: 'ask', handler: 'ask' },
    { id: 'check', decision: [{ when: 'nodes.ask.result > 1000', to: 'approve' }, { otherwise: 'charge' }], after: 'ask' },
    { id: 'approve', handler: 'approve' },
    { id: 'charge', handler: 'charge' },
    { id: 'join', handler: 'join', after: ['approve', 'charge'] },
  ]
  const run = await WorkflowRun.start(coordinator, { nodes })
  await run.ends('ask', { result: 1_200 })
  await run.ends('approve', { context: { approved: true } })
  await run.ends('join')
  assert.equal((await run.record()).state, 'succeeded')
  await coordinator.changeRuns.retry('default', { runId: run.id, fromNode: 'ask' })
  await turns()
  await run.ends('ask', { generation: 2, result: 10 })
  await run.ends('charge', { generation: 2, context: { charged: true } })
  const body = coordinator.fake.publishedTo('work.').at(-1) as { task: string; context: unknown }
  assert.deepEqual([body.task, body.context], ['join', { charged: true }])
  const tree = await coordinator.readTree.execute('default', run.id)
  assert.deepEqual(
    tree.nodes?.map(({ id, state }) => `${id}:${state}`),
    ['ask:succeeded', 'check:succeeded', 'approve:not_needed', 'charge:succeeded', 'join:queued'],
  )
})

test('a workflow that is changed meanwhile changes neither a run of it that is under way, nor what that runs again (55)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, CHAIN)
  const other = parseInput(workflowSchema, { nodes: [{ id: 'b', handler: 'new' }] })
  await coordinator.changeJobs.put('default', { name: 'order', workflow: other })
  await run.ends('a')
  assert.equal(await run.states(), 'a:succeeded b:queued')
  await run.ends('b', FAILED)
  await coordinator.changeRuns.retry('default', { runId: run.id })
  await turns()
  await run.ends('a', { generation: 2 })
  assert.equal((await run.task('b', 2))?.state, 'queued')
  const handlers = coordinator.fake.publishedTo('work.').map(({ handler }) => handler)
  assert.deepEqual(handlers, ['h', 'h', 'h', 'h'])
})
