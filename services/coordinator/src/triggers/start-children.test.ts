import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settle } from '@carillon/runtime/testing'
import type { RunRecord } from '@carillon/store'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

const START = { namespace: 'default', bytes: 10, trigger: 'call', traceparent: undefined } as const

async function started({ startRuns }: TestCoordinator, request: object): Promise<string> {
  const [outcome] = await startRuns.execute([{ ...START, request }])
  await settle()
  assert.ok(outcome && 'runId' in outcome, String(outcome))
  return outcome.runId
}
const ended = (runId: string, more: object) => reportsFrom('i-1', { type: 'finished', runId, taskId: runId, attempt: 1, ...more })
const SUCCEEDED = { outcome: 'succeeded', result: { packed: 3 } }
const FAILED = { outcome: 'failed', error: { name: 'Error', message: 'no room' } }

/** As the signals of a change reach a coordinator. */
function changing({ changeJobs, triggered }: TestCoordinator) {
  const put = async (job: Parameters<typeof changeJobs.put>[1]) => {
    const view = await changeJobs.put('default', job)
    triggered.changed()
    return view
  }
  return { put }
}

async function runsOf({ store }: TestCoordinator, job: string): Promise<RunRecord[]> {
  await settle()
  const { items } = await store.runs.list({ namespace: 'default', job, limit: 100 })
  return (await store.runs.get(items.map(({ id }) => id))) as RunRecord[]
}

test('a job is fired by the end of a run of its parents, and receives what that resulted in, once', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { applyReports, readRuns } = coordinator
  const { put } = changing(coordinator)
  await put({ name: 'pack' })
  await put({ name: 'ship', payload: { by: 'rail' }, afterJobs: [{ job: 'pack', when: 'succeeded' }] })
  await put({ name: 'alert', afterJobs: [{ job: 'pack', when: 'failed' }] })
  await put({
    name: 'count',
    afterJobs: [
      { job: 'pack', when: 'ended' },
      { job: 'other', when: 'ended' },
    ],
  })
  const good = await started(coordinator, { job: 'pack' })
  const report = ended(good, SUCCEEDED)
  await applyReports.execute([report])
  // Not acknowledged in time: it comes again, to a coordinator that does not know.
  await applyReports.execute([report])
  const [ship, ...more] = await runsOf(coordinator, 'ship')
  assert.deepEqual([more.length, (await runsOf(coordinator, 'alert')).length, (await runsOf(coordinator, 'count')).length], [0, 0, 1])
  assert.deepEqual(JSON.parse(ship?.payload ?? ''), {
    by: 'rail',
    parent: { job: 'pack', runId: good, state: 'succeeded', reason: 'completed', result: { packed: 3 } },
  })
  const view = await readRuns.get('default', ship?.id ?? '')
  assert.deepEqual([view.trigger, view.parent, view.chain, view.state], ['job', good, ['pack'], 'queued'])
  const bad = await started(coordinator, { job: 'pack' })
  await applyReports.execute([ended(bad, FAILED)])
  const [alert] = await runsOf(coordinator, 'alert')
  assert.deepEqual(JSON.parse(alert?.payload ?? '').parent.failure, { name: 'Error', message: 'no room' })
  assert.deepEqual([(await runsOf(coordinator, 'ship')).length, (await runsOf(coordinator, 'count')).length], [1, 2])
})

test('a paused job is not fired; a parent that is retried by hand fires once more', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeJobs, changeRuns, applyReports, triggered } = coordinator
  const { put } = changing(coordinator)
  await put({ name: 'ship', afterJobs: [{ job: 'pack', when: 'ended' }] })
  await changeJobs.pause('default', 'ship')
  triggered.changed()
  await put({ name: 'pack' })
  const id = await started(coordinator, { job: 'pack' })
  await applyReports.execute([ended(id, FAILED)])
  assert.equal((await runsOf(coordinator, 'ship')).length, 0)
  await changeJobs.resume('default', 'ship')
  triggered.changed()
  await changeRuns.retry('default', { runId: id })
  await applyReports.execute([reportsFrom('i-1', { type: 'finished', runId: id, taskId: id, attempt: 2, ...SUCCEEDED })])
  assert.equal((await runsOf(coordinator, 'ship')).length, 1)
})

test('the crash of a coordinator between an end and its children is repaired by the one that repeats the end', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { applyReports, store } = coordinator
  const { put } = changing(coordinator)
  await put({ name: 'pack' })
  await put({ name: 'ship', afterJobs: [{ job: 'pack', when: 'succeeded' }] })
  const id = await started(coordinator, { job: 'pack' })
  const [outcome] = await store.runs.update([
    {
      id,
      expect: { state: ['queued'], attempt: 1 },
      set: { state: 'succeeded', reason: 'completed', result: '7', owner: 'i-1', endedAt: coordinator.clock.now(), queuedAt: null },
    },
  ])
  assert.equal(outcome, 'applied')
  coordinator.runs.forget([id])
  await applyReports.execute([ended(id, { outcome: 'succeeded', result: 7 })])
  assert.equal(JSON.parse((await runsOf(coordinator, 'ship'))[0]?.payload ?? '').parent.result, 7)
})

test('a job that would start itself is refused with the chain', async (context) => {
  const { put } = changing(await createTestCoordinator(context))
  const after = (name: string, job: string) => put({ name, afterJobs: [{ job, when: 'succeeded' }] })
  const refusal = (value: string) => ({
    code: 'INVALID_REQUEST',
    details: { field: 'afterJobs', value, hint: 'Leave out one of these parents.' },
  })
  await assert.rejects(after('a', 'a'), refusal('a → a'))
  await after('b', 'a')
  await after('c', 'b')
  await assert.rejects(after('a', 'c'), refusal('a → b → c → a'))
  await after('c', 'b')
})

test('a chain of jobs that goes on for ever ends with a record that shows it', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { applyReports } = coordinator
  const { put } = changing(coordinator)
  for (let i = 0; i <= 33; i++) await put({ name: `j${i}`, ...(i > 0 ? { afterJobs: [{ job: `j${i - 1}`, when: 'succeeded' }] } : {}) })
  let id = await started(coordinator, { job: 'j0' })
  for (let i = 1; i <= 33; i++) {
    await applyReports.execute([ended(id, SUCCEEDED)])
    id = (await runsOf(coordinator, `j${i}`))[0]?.id ?? ''
  }
  const last = await runOf(coordinator, id)
  assert.deepEqual([last.state, last.reason, last.job], ['skipped', 'chain-too-long', 'j33'])
  assert.match(last.error?.message ?? '', /^33 jobs have fired one another in a row, 32 may: j0 → j1 → .* → j32 → j33$/)
})
