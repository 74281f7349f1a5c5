import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settle } from '@carillon/runtime/testing'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

async function started({ startRuns }: TestCoordinator, request: object) {
  const [outcome] = await startRuns.execute([{ namespace: 'default', request, bytes: 10, trigger: 'call', traceparent: undefined }])
  await settle()
  return outcome
}
const idOf = (outcome: unknown) => (outcome as { runId: string }).runId

test('a run is queued behind its own kind: the priority of the request counts, else that of the job', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeJobs, fake, readRuns } = coordinator
  const put = await changeJobs.put('default', { name: 'report', priority: 'low' })
  assert.equal(put.priority, 'low')
  const low = idOf(await started(coordinator, { job: 'report' }))
  const high = idOf(await started(coordinator, { job: 'report', priority: 'high' }))
  const normal = idOf(await started(coordinator, { job: 'report', priority: 'normal' }))
  for (const [priority, id] of Object.entries({ low, high, normal }))
    assert.equal(fake.publishedTo(`work.report.${priority}.${id}`).length, 1)
  assert.equal((await runOf(coordinator, normal)).terms, null)
  assert.equal((await readRuns.get('default', high)).priority, 'high')
  assert.equal((await readRuns.get('default', normal)).priority, undefined)
})

test('a retry, and the withdrawal of a run that is cancelled, are of the same priority', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { fake, changeRuns, applyReports } = coordinator
  coordinator.presence.alive.set('report', ['i-1'])
  const id = idOf(await started(coordinator, { handler: 'report', priority: 'high' }))
  const failed = { type: 'finished', runId: id, taskId: id, attempt: 1, outcome: 'failed', error: { name: 'Error', message: 'no' } }
  await applyReports.execute([reportsFrom('i-1', failed)])
  await changeRuns.retry('default', { runId: id })
  await settle()
  assert.equal(fake.publishedTo(`work.report.high.${id}`).length, 2)
  await changeRuns.cancel('default', id)
  assert.deepEqual([...new Set(fake.purged)], [`carillon.default.work.report.high.${id}`])
})

test('the same key with another priority is another request', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const first = idOf(await started(coordinator, { handler: 'report', key: 'k', priority: 'high' }))
  assert.deepEqual(await started(coordinator, { handler: 'report', key: 'k', priority: 'high' }), { runId: first, created: false })
  const other = (await started(coordinator, { handler: 'report', key: 'k', priority: 'low' })) as { code: string; message: string }
  assert.equal(other.code, 'KEY_CONFLICT')
  assert.match(other.message, /another priority/)
})
