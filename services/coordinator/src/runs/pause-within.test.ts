import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseInput, workflowSchema } from '@carillon/contracts'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../testing/workflow-runs.ts'

const PART = {
  nodes: [
    { id: 'x', handler: 'x' },
    { id: 'y', handler: 'y', after: 'x' },
    { id: 'w', wait: { durationMs: 60_000 } },
  ],
}

/** A workflow within another one, and beside it a run of a handler, and a list. */
async function tree(coordinator: TestCoordinator) {
  const workflow = parseInput(workflowSchema, PART)
  await coordinator.changeJobs.put('default', { name: 'part', workflow } as never)
  await coordinator.changeJobs.put('default', { name: 'single', handler: 'work', attempts: 2 } as never)
  const nodes = [
    { id: 'sub', job: 'part' },
    { id: 'one', job: 'single' },
    { id: 'each', foreach: '[1, 2, 3]', handler: 'ship', maxParallel: 1 },
  ]
  const run = await WorkflowRun.start(coordinator, { nodes })
  const childOf = async (node: string) => (await run.task(node))?.node?.child as string
  const [sub, one, each] = [await childOf('sub'), await childOf('one'), await childOf('each')] as const
  const states = async () => (await coordinator.store.runs.heads([sub, one, each])).map((child) => child?.state).join(' ')
  return { run, sub, one, each, states, part: new WorkflowRun(coordinator, { id: sub, nodes: ['x', 'y', 'w'] }) }
}

const act = async ({ changeRuns }: TestCoordinator, does: 'pause' | 'resume' | 'cancel', id: string) => {
  await changeRuns[does]('default', id)
  await turns()
}

test('a pause goes down the tree: what is under way ends, nothing new starts, deadlines stand still; so does a resume', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, sub, one, each, states, part } = await tree(coordinator)
  const x = await part.task('x')
  await coordinator.applyReports.execute([reportsFrom('i-1', { runId: sub, taskId: x?.id, attempt: 1, type: 'started' })])
  await coordinator.clock.advance(20_000)
  await act(coordinator, 'pause', run.id)
  assert.equal(await states(), 'paused paused paused')
  assert.equal(await part.states(), 'x:running w:delayed')
  await part.ends('x')
  await coordinator.clock.advance(100_000)
  await coordinator.wakeLives.execute([run.id, sub, one, each])
  await turns()
  assert.deepEqual([await states(), await part.states()], ['paused paused paused', 'x:succeeded w:delayed'])
  await act(coordinator, 'resume', run.id)
  assert.deepEqual([await states(), await part.states()], ['running queued running', 'x:succeeded y:queued w:delayed'])
  assert.equal((await part.task('w'))?.wakeAt, coordinator.clock.now() + 40_000)
  const single = await runOf(coordinator, one)
  // An instance may have the message of before.
  assert.deepEqual([single.attempt, single.attempts, single.terms?.paused], [2, 3, undefined])
})

test('a child run with one task that is under way ends, and has no further attempt until the resume', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, one } = await tree(coordinator)
  await coordinator.applyReports.execute([reportsFrom('i-1', { runId: one, taskId: one, attempt: 1, type: 'started' })])
  await act(coordinator, 'pause', run.id)
  assert.equal((await runOf(coordinator, one)).state, 'running')
  const failed = { type: 'finished', outcome: 'failed', error: { name: 'Error', message: 'no' } }
  await coordinator.applyReports.execute([reportsFrom('i-1', { ...failed, runId: one, taskId: one, attempt: 1 })])
  await turns()
  assert.equal((await runOf(coordinator, one)).state, 'paused')
  await act(coordinator, 'resume', run.id)
  assert.equal((await runOf(coordinator, one)).state, 'delayed')
  await coordinator.clock.advance(60_000)
  await coordinator.wakeLives.execute([one])
  await turns()
  assert.deepEqual([(await runOf(coordinator, one)).state, (await runOf(coordinator, one)).attempt], ['queued', 2])
})

test('where notifications are lost, a pause and a resume reach child runs by the time of these', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, sub, one, each, states } = await tree(coordinator)
  context.mock.method(coordinator.parents, 'changed', () => undefined)
  await act(coordinator, 'pause', run.id)
  assert.equal(await states(), 'running queued running')
  const wake = async () => {
    await coordinator.clock.advance(30_000)
    await coordinator.wakeLives.execute([sub, one, each])
    await turns()
  }
  await wake()
  assert.equal(await states(), 'paused paused paused')
  await act(coordinator, 'resume', run.id)
  assert.equal(await states(), 'paused paused paused')
  await wake()
  assert.equal(await states(), 'running queued running')
})

test('a child run that was paused by itself stays so; one that was paused with its parent goes on with that alone; a cancel reaches both', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { run, sub, each, states } = await tree(coordinator)
  await act(coordinator, 'pause', sub)
  await act(coordinator, 'pause', run.id)
  await assert.rejects(coordinator.changeRuns.resume('default', each), {
    code: 'CHILD_RUN',
    message: new RegExp(`was paused with run ${run.id}`),
  })
  const why = async (id: string) => (await coordinator.readRuns.why('default', id)).why
  assert.match(await why(each), new RegExp(`^it has been paused since \\S+, with run ${run.id}: carillon runs resume ${run.id}$`))
  assert.match(await why(sub), new RegExp(`carillon runs resume ${sub}`))
  await act(coordinator, 'resume', run.id)
  assert.equal(await states(), 'paused queued running')
  await act(coordinator, 'pause', run.id)
  await act(coordinator, 'cancel', run.id)
  assert.equal(await states(), 'cancelled cancelled cancelled')
  assert.equal((await run.record()).state, 'cancelled')
})

test('an instance that has begun a child run a moment before is not ordered to cancel it', async (context) => {
  const coordinator = await createTestCoordinator(context)
  coordinator.presence.alive.set('work', ['i-1'])
  const { run, one } = await tree(coordinator)
  await act(coordinator, 'pause', run.id)
  assert.equal((await runOf(coordinator, one)).state, 'paused')
  assert.deepEqual(
    coordinator.fake.signals.filter(({ body }) => (body as { type?: string }).type === 'cancel'),
    [],
  )
  await coordinator.applyReports.execute([reportsFrom('i-1', { runId: one, taskId: one, attempt: 1, type: 'started' })])
  assert.equal((await runOf(coordinator, one)).state, 'running')
})
