import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CarillonError, LIMITS } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { RunRecord, Store } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, runOf } from '../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../testing/workflow-runs.ts'

/** A task that runs and is about to start a child run. @param options.afterInsert when that is stored */
async function aParent(context: TestContext, fields: Partial<RunRecord> = {}) {
  const coordinator = await createTestCoordinator(context)
  const { clock, runs, store, applyReports } = coordinator
  const run = aRun(1, { queuedAt: clock.now(), ...fields })
  await runs.insert([run])
  await settle()
  await applyReports.execute([reportsFrom('i-1', { type: 'started', runId: run.id, taskId: run.id, attempt: 1 })])
  const call = { taskId: run.id, attempt: 1, instance: 'i-1', key: 'a', run: { handler: 'child' } }
  const childOf = async () => (await store.runs.list({ namespace: 'default', limit: 10 })).items.find(({ handler }) => handler === 'child')
  /** Something happens once, after the child was inserted. */
  const afterInsert = (act: () => Promise<void> | void) => {
    const insert = store.runs.insert.bind(store.runs)
    context.mock.method(
      store.runs,
      'insert',
      async (...given: Parameters<typeof insert>) => {
        const outcomes = await insert(...given)
        await act()
        return outcomes
      },
      { times: 1 },
    )
  }
  return { coordinator, run, call, childOf, afterInsert }
}

test('a child run of a task that was cancelled while it was inserted is cancelled (42)', async (context) => {
  const { coordinator, run, call, childOf, afterInsert } = await aParent(context)
  afterInsert(async () => void (await coordinator.changeRuns.cancel('default', run.id)))
  await assert.rejects(coordinator.runChild.execute('default', call), { code: 'TASK_NOT_RUNNING' })
  assert.equal((await childOf())?.state, 'cancelled')
})

/** Reads of runs, until the mock is restored: others may read meanwhile. */
function failReads({ mock }: TestContext, { runs }: Store) {
  return mock.method(runs, 'heads', async () => {
    throw new CarillonError('STORE_UNAVAILABLE', 'the store is away')
  }).mock
}

test('a store that cannot be read after the insert says nothing about the task: the child run stays, and the repeated call finds it', async (context) => {
  const { coordinator, call, childOf, afterInsert } = await aParent(context)
  let failing: ReturnType<typeof failReads> | undefined
  afterInsert(() => {
    failing = failReads(context, coordinator.store)
  })
  await assert.rejects(coordinator.runChild.execute('default', call), { code: 'STORE_UNAVAILABLE' })
  failing?.restore()
  const child = await childOf()
  assert.equal(child?.state, 'queued')
  assert.equal((await coordinator.runChild.execute('default', call)).runId, child?.id)
})

const FAILED = { type: 'finished', outcome: 'failed', error: { name: 'Error', message: 'no' } }

test('a child run that was not awaited does not outlive its parent, however that ends but by success', async (context) => {
  const ends = [
    ['failed', FAILED],
    ['timed_out', { ...FAILED, outcome: 'timed_out' }],
  ] as const
  for (const [state, report] of ends) {
    const { coordinator, run, call, childOf } = await aParent(context)
    await coordinator.runChild.execute('default', call)
    await turns()
    await coordinator.applyReports.execute([reportsFrom('i-1', { ...report, runId: run.id, taskId: run.id, attempt: 1 })])
    await turns()
    assert.equal((await runOf(coordinator, run.id)).state, state)
    assert.equal((await childOf())?.state, 'cancelled')
  }
})

test('a child run goes on while its parent waits for a further attempt, which finds it', async (context) => {
  const { coordinator, run, call, childOf } = await aParent(context, { attempts: 2, tries: 2 })
  const { runId } = await coordinator.runChild.execute('default', call)
  await coordinator.applyReports.execute([reportsFrom('i-1', { ...FAILED, runId: run.id, taskId: run.id, attempt: 1 })])
  await turns()
  assert.deepEqual([(await runOf(coordinator, run.id)).state, (await childOf())?.state], ['delayed', 'queued'])
  await coordinator.clock.advance(10_000)
  await coordinator.wakeLives.execute([run.id, runId])
  await coordinator.applyReports.execute([reportsFrom('i-1', { type: 'started', runId: run.id, taskId: run.id, attempt: 2 })])
  assert.equal((await coordinator.runChild.execute('default', { ...call, attempt: 2 })).runId, runId)
})

test('what a coordinator has not done about a child run before it died, or could not do, is done by the time of that', async (context) => {
  const { coordinator, run, call, childOf, afterInsert } = await aParent(context)
  let failing: ReturnType<typeof failReads> | undefined
  // The cancel does not reach it, and whether its parent still runs cannot be read.
  afterInsert(async () => {
    context.mock.method(coordinator.parents, 'changed', () => undefined)
    context.mock.method(coordinator.parents, 'begin', () => undefined)
    await coordinator.changeRuns.cancel('default', run.id)
    failing = failReads(context, coordinator.store)
  })
  await assert.rejects(coordinator.runChild.execute('default', call), { code: 'STORE_UNAVAILABLE' })
  failing?.restore()
  const child = await childOf()
  assert.equal(child?.state, 'queued')
  await coordinator.clock.advance(10_000)
  await coordinator.wakeLives.execute([child?.id ?? ''])
  await turns()
  assert.equal((await childOf())?.state, 'cancelled')
})

test('a child run that sleeps without a timer is cancelled when the end of its parent is repeated, where the coordinator died at the first', async (context) => {
  const { coordinator, run, call, childOf } = await aParent(context)
  const { runId } = await coordinator.runChild.execute('default', call)
  await turns()
  const asleep = { type: 'slept', runId, taskId: runId, attempt: 1, waits: [{ step: 0, signal: 'paid' }] }
  await coordinator.applyReports.execute([reportsFrom('i-2', { type: 'started', runId, taskId: runId, attempt: 1 })])
  await coordinator.applyReports.execute([reportsFrom('i-2', asleep)])
  await turns()
  const { mock } = context.mock.method(coordinator.parents, 'changed', () => undefined)
  const end = () => coordinator.applyReports.execute([reportsFrom('i-1', { ...FAILED, runId: run.id, taskId: run.id, attempt: 1 })])
  await end()
  await turns()
  mock.restore()
  const child = await childOf()
  assert.deepEqual([child?.state, child?.wakeAt], ['delayed', null])
  await end()
  await turns()
  assert.equal((await childOf())?.state, 'cancelled')
})

test('a child run of a task of a workflow is cancelled when that task fails, and the others go on', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, {
    nodes: [
      { id: 'a', handler: 'h' },
      { id: 'b', handler: 'h' },
    ],
  })
  const children: string[] = []
  for (const node of ['a', 'b']) {
    const { id: taskId = '' } = (await run.task(node)) ?? {}
    await coordinator.applyReports.execute([reportsFrom('i-1', { type: 'started', runId: run.id, taskId, attempt: 1 })])
    const call = { taskId, attempt: 1, instance: 'i-1', key: 'k', run: { handler: 'child' } }
    children.push((await coordinator.runChild.execute('default', call)).runId)
    await turns()
  }
  await run.ends('a', { outcome: 'failed', error: { name: 'Error', message: 'no' } })
  const states = (await coordinator.store.runs.heads(children)).map((child) => child?.state)
  assert.deepEqual(states, ['cancelled', 'queued'])
})

test('a detached child run outlives its parent, also one that was asked for in its last act; a further attempt finds it (48)', async (context) => {
  for (const end of ['cancelled', 'failed', 'timed_out', 'succeeded']) {
    const { coordinator, run, call, childOf, afterInsert } = await aParent(context)
    // The run is being cancelled when the child is inserted.
    if (end === 'cancelled') afterInsert(async () => void (await coordinator.changeRuns.cancel('default', run.id)))
    const { runId, state } = await coordinator.runChild.execute('default', { ...call, detached: true })
    assert.equal(state, 'queued')
    if (end !== 'cancelled') assert.equal((await coordinator.runChild.execute('default', { ...call, detached: true })).runId, runId)
    const error = end === 'succeeded' || end === 'cancelled' ? {} : { error: FAILED.error }
    await coordinator.applyReports.execute([
      reportsFrom('i-1', { type: 'finished', outcome: end, ...error, runId: run.id, taskId: run.id, attempt: 1 }),
    ])
    await turns()
    await coordinator.clock.advance(30_000)
    await coordinator.wakeLives.execute([runId])
    await turns()
    assert.equal((await runOf(coordinator, run.id)).state, end)
    const child = await childOf()
    assert.deepEqual([child?.id, child?.state, child?.parentTask, child?.terms?.parent], [runId, 'queued', null, run.id])
  }
})

test('a job that starts itself, detached, stops after as many as may fire one another, also through child runs', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, runChild, applyReports } = coordinator
  await coordinator.changeJobs.put('default', { name: 'loop', handler: 'h' } as never)
  const [first] = await coordinator.startRuns.execute([
    { namespace: 'default', request: { job: 'loop' } as never, bytes: 10, trigger: 'call', traceparent: undefined },
  ])
  assert.ok(first && 'runId' in first)
  const startedBy = async (taskId: string, run: { run: object; detached?: boolean }) => {
    await applyReports.execute([reportsFrom('i-1', { type: 'started', runId: taskId, taskId, attempt: 1 })])
    return (await runChild.execute('default', { taskId, attempt: 1, instance: 'i-1', key: 'k', ...run })).runId
  }
  let [id, count] = [first.runId, 1]
  for (; (await runOf(coordinator, id)).state !== 'skipped' && count < 100; count++) {
    const child = count % 2 === 0 ? await startedBy(id, { run: { handler: 'part' } }) : id
    id = await startedBy(child, { detached: true, run: { job: 'loop' } })
  }
  const { reason, error } = await runOf(coordinator, id)
  assert.deepEqual([reason, count], ['chain-too-long', LIMITS.chainLength + 2])
  assert.match(error?.message ?? '', /loop → loop\/part → loop/)
  assert.ok((await store.runs.list({ namespace: 'default', limit: 100 })).items.length < 100)
})

test('child runs that are checked at once cost as many reads as one', async (context) => {
  const { coordinator, call } = await aParent(context)
  const { store, clock, runChild, wakeLives } = coordinator
  for (const key of ['a', 'b', 'c', 'd']) await runChild.execute('default', { ...call, key })
  const children = (await store.runs.list({ namespace: 'default', limit: 10 })).items.filter(({ handler }) => handler === 'child')
  await clock.advance(10_000)
  const heads = context.mock.method(store.runs, 'heads')
  const readsOf = async (ids: readonly string[]) => {
    heads.mock.resetCalls()
    await wakeLives.execute(ids)
    return heads.mock.callCount()
  }
  const [first, ...others] = children.map(({ id }) => id) as [string, string, string, string]
  assert.equal(await readsOf([first]), await readsOf(others))
  assert.equal(others.length, 3)
})
