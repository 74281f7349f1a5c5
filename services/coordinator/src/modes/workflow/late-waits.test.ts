import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestCoordinator, type TestCoordinator } from '../../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../../testing/workflow-runs.ts'

async function send(coordinator: TestCoordinator, runId: string, payload: unknown): Promise<void> {
  await coordinator.sendSignals.send({ namespace: 'default', by: 'bank', input: { runId, name: 'paid', payload } })
  await turns()
}

async function wake(coordinator: TestCoordinator, id: string | undefined): Promise<void> {
  await coordinator.wakeLives.execute([id ?? ''])
  await turns()
}

test('a coordinator that is late does not put a run to rest in which another one has begun something', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, clock } = coordinator
  const nodes = [
    { id: 'paid', wait: { signal: 'paid' } },
    { id: 'ship', handler: 'ship', after: 'paid' },
  ]
  const run = await WorkflowRun.start(coordinator, { nodes })
  const update = store.runs.update.bind(store.runs)
  const late: (() => Promise<unknown>)[] = []
  const held = context.mock.method(store.runs, 'update', async (changes: Parameters<typeof update>[0]) => {
    if (!changes.some(({ set }) => (set.wakeAt ?? 0) > clock.now() + 3_600_000)) return update(changes)
    late.push(() => update(changes))
    return new Promise<never>(() => undefined)
  })
  await clock.advance(30_000)
  void coordinator.advance.execute(run.id)
  await turns()
  assert.equal(late.length, 1)
  held.mock.restore()
  await send(coordinator, run.id, 1)
  assert.equal(await run.states(), 'paid:succeeded ship:queued')
  for (const id of [run.id, (await run.task('paid'))?.id]) {
    await clock.advance(10_000)
    await wake(coordinator, id)
  }
  await late[0]?.()
  assert.ok(((await run.record()).wakeAt ?? 0) <= clock.now() + 10_000)
})

test('a node that is skipped while the end of its run is written lets the run go on', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, clock, changeNodes } = coordinator
  const nodes = [
    { id: 'check', decision: [{ when: 'false', to: 'a' }, { otherwise: 'z' }] },
    { id: 'a', handler: 'a' },
    { id: 'b', handler: 'b', after: 'a' },
    { id: 'z', handler: 'z' },
  ]
  const run = await WorkflowRun.start(coordinator, { nodes: nodes as never })
  const update = store.runs.update.bind(store.runs)
  let skipped: Promise<unknown> | undefined
  const mock = context.mock.method(store.runs, 'update', async (changes: Parameters<typeof update>[0]) => {
    if (!skipped && changes.some(({ set }) => set.state === 'succeeded')) {
      await clock.advance(1)
      skipped = changeNodes.skip('default', { runId: run.id, node: 'a' }, { by: 'ada' })
      await skipped
    }
    return update(changes)
  })
  await run.ends('z')
  await turns()
  mock.mock.restore()
  assert.equal((await run.record()).state, 'succeeded')
  await clock.advance(10_000)
  await wake(coordinator, (await run.task('a'))?.id)
  assert.equal(await run.states(), 'check:succeeded a:skipped b:queued z:succeeded')
})

for (const [change, after] of [
  ['skip', 'a:skipped b:queued z:succeeded'],
  ['succeed', 'a:succeeded b:queued z:succeeded'],
] as const)
  test(`${change} of a node that has failed, while the end of its run is written, lets the run go on`, async (context) => {
    const coordinator = await createTestCoordinator(context)
    const { store, clock, changeNodes } = coordinator
    const nodes = [
      { id: 'a', handler: 'a' },
      { id: 'b', handler: 'b', after: 'a' },
      { id: 'z', handler: 'z' },
    ]
    const run = await WorkflowRun.start(coordinator, { nodes })
    await run.ends('a', { outcome: 'failed', error: { name: 'Error', message: 'no' } })
    const update = store.runs.update.bind(store.runs)
    let changed: Promise<unknown> | undefined
    const { mock } = context.mock.method(store.runs, 'update', async (changes: Parameters<typeof update>[0]) => {
      if (!changed && changes.some(({ set }) => set.state === 'failed')) {
        await clock.advance(1)
        changed = changeNodes[change]('default', { runId: run.id, node: 'a' }, { by: 'ada' })
        await changed
      }
      return update(changes)
    })
    await run.ends('z')
    await turns()
    mock.restore()
    assert.equal((await run.record()).state, 'failed')
    await clock.advance(10_000)
    await wake(coordinator, (await run.task('a'))?.id)
    assert.equal(await run.states(), after)
  })

test('a coordinator that dies before it takes what is there for a wait leaves a run that is checked soon', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, clock } = coordinator
  const nodes = [
    { id: 'pack', handler: 'h' },
    { id: 'paid', wait: { signal: 'paid' }, after: 'pack' },
  ]
  const run = await WorkflowRun.start(coordinator, { nodes })
  await send(coordinator, run.id, 1)
  const { mock } = context.mock.method(store.signals, 'usage', () => Promise.reject(new Error('it dies here')))
  await run.ends('pack')
  await clock.advance(30_000)
  await assert.rejects(coordinator.advance.execute(run.id), { message: 'it dies here' })
  mock.restore()
  await wake(coordinator, run.id)
  assert.equal(await run.states(), 'pack:succeeded paid:succeeded')
})

test('a signal that comes while the run is paused does not count for a wait whose time was over before', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, { nodes: [{ id: 'paid', wait: { signal: 'paid', timeoutMs: 60_000 } }] })
  await coordinator.clock.advance(60_001)
  await coordinator.changeRuns.pause('default', run.id)
  await turns()
  await send(coordinator, run.id, 1)
  assert.equal(await run.states(), 'paid:delayed')
  await coordinator.changeRuns.resume('default', run.id)
  await turns()
  await wake(coordinator, (await run.task('paid'))?.id)
  assert.equal((await run.task('paid'))?.reason, 'wait-timeout')
})
