import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestCoordinator } from '../../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../../testing/workflow-runs.ts'

const TELL = { id: 'tell', publish: { subject: 'orders.shipped', body: "{'id': payload.id}" } }

test('a node publishes once what its expression says, under the id of its task and with the id of its run', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, { nodes: [TELL] }, { id: 'A1' })
  const [message, ...more] = coordinator.fake.published.filter(({ subject }) => subject === 'orders.shipped')
  assert.deepEqual([message?.body, message?.messageId, message?.run], ['{"id":"A1"}', (await run.task('tell'))?.id, run.id])
  assert.equal(more.length, 0)
  assert.deepEqual([(await run.record()).state, (await run.task('tell'))?.state], ['succeeded', 'succeeded'])
})

test('what the broker refuses is published later, by any coordinator; the node waits meanwhile', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, fake, wakeLives } = coordinator
  fake.refusal = ({ subject }) => (subject === 'orders.shipped' ? { code: 10077, message: 'maximum messages exceeded' } : undefined)
  const run = await WorkflowRun.start(coordinator, { nodes: [TELL, { id: 'next', handler: 'h', after: 'tell' }] }, { id: 'A1' })
  assert.equal(await run.states(), 'tell:delayed')
  fake.refusal = () => undefined
  await clock.advance(10_000)
  await wakeLives.execute([(await run.task('tell'))?.id ?? ''])
  await turns()
  assert.equal(await run.states(), 'tell:succeeded next:queued')
})

test('a coordinator that dies after it has published: the same message goes out once more, under the same id', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, fake, store, wakeLives } = coordinator
  const { update } = store.tasks
  store.tasks.update = () => Promise.reject(new Error('it dies here'))
  const run = await WorkflowRun.start(coordinator, { nodes: [TELL] }, { id: 'A1' })
  store.tasks.update = update
  assert.equal(await run.states(), 'tell:delayed')
  await clock.advance(1_000)
  await wakeLives.execute([(await run.task('tell'))?.id ?? ''])
  await turns()
  const ids = fake.published.filter(({ subject }) => subject === 'orders.shipped').map(({ messageId }) => messageId)
  assert.deepEqual([ids.length, new Set(ids).size, (await run.record()).state], [2, 1, 'succeeded'])
})

test('an expression that fails fails its node, and nothing is published', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, { nodes: [TELL] }, {})
  const { state, reason, error } = (await run.task('tell')) ?? {}
  assert.deepEqual([state, reason, error?.name], ['failed', 'not-startable', 'EXPRESSION_FAILED'])
  assert.equal(coordinator.fake.published.filter(({ subject }) => subject === 'orders.shipped').length, 0)
})

test('subjects of the broker and of Carillon itself are refused, but triggers of the own namespace', async (context) => {
  const { changeJobs } = await createTestCoordinator(context)
  const put = (subject: string) => changeJobs.put('default', { name: 'x', workflow: { nodes: [{ id: 'tell', publish: { subject } }] } })
  for (const subject of ['carillon.default.work.h.t', 'carillon.other.trigger.x', 'carillon.default.trigger.x.y'])
    await assert.rejects(put(subject), { code: 'INVALID_WORKFLOW' }, subject)
  await put('carillon.default.trigger.x')
})
