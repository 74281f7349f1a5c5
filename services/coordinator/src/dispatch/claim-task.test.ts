import assert from 'node:assert/strict'
import { test } from 'node:test'
import { POISON_AFTER } from '@carillon/contracts'
import { aRun, aTask } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

async function withRun(coordinator: TestCoordinator, fields: Parameters<typeof aRun>[1] = {}): Promise<string> {
  const run = aRun(1, { state: 'running', owner: 'i-1', startedAt: coordinator.clock.now(), queuedAt: null, ...fields })
  await coordinator.store.runs.insert([run])
  return run.id
}
const claim = (
  coordinator: TestCoordinator,
  taskId: string,
  options: { attempt?: number; instance?: string; session?: string; namespace?: string; redelivered?: boolean } = {},
) =>
  coordinator.claimTask.execute(options.namespace ?? 'default', {
    taskId,
    attempt: options.attempt ?? 1,
    instance: options.instance ?? 'i-2',
    session: options.session,
    redelivered: options.redelivered ?? true,
  })

test('who receives work that another one held becomes its owner, in a further attempt', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await withRun(coordinator)
  assert.deepEqual(await claim(coordinator, id), { run: true, attempt: 2 })
  const run = await runOf(coordinator, id)
  assert.deepEqual([run.state, run.owner, run.attempt, run.losses, run.startedAt], ['running', 'i-2', 2, 1, coordinator.clock.now()])
})

test('without a redelivery a live owner keeps what it runs, one that has gone does not', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await withRun(coordinator)
  assert.deepEqual(await claim(coordinator, id, { redelivered: false }), { run: false, reason: 'instance i-1 is running it' })
  assert.equal((await runOf(coordinator, id)).owner, 'i-1')
  coordinator.presence.gone.add('i-1')
  assert.deepEqual(await claim(coordinator, id, { redelivered: false }), { run: true, attempt: 2 })
})

test('an unknown instance gets nothing, and may claim again', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await withRun(coordinator)
  coordinator.presence.gone.add('evil')
  await assert.rejects(claim(coordinator, id, { instance: 'evil' }), { code: 'INSTANCE_UNKNOWN', retry: true })
  assert.equal((await runOf(coordinator, id)).owner, 'i-1')
})

test('of several that ask at once one gets a yes', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const other = await createTestCoordinator(context, { store: coordinator.store, clock: coordinator.clock })
  const id = await withRun(coordinator, { state: 'queued', owner: null })
  const answers = await Promise.all([coordinator, other, coordinator].map((each, i) => claim(each, id, { instance: `i-${i + 2}` })))
  assert.equal(answers.filter(({ run }) => run).length, 1)
  assert.equal((await runOf(coordinator, id)).attempt, 2)
})

test('who asks twice at once gets a yes twice, for one attempt: the first answer may have been lost', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await withRun(coordinator, { state: 'queued', owner: null })
  const answers = await Promise.all([claim(coordinator, id), claim(coordinator, id)])
  assert.deepEqual(answers, [
    { run: true, attempt: 2 },
    { run: true, attempt: 2 },
  ])
  assert.equal((await runOf(coordinator, id)).attempt, 2)
})

test('what is over is not run again', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await withRun(coordinator, { attempt: 3 })
  for (const options of [{ attempt: 2 }, { attempt: 4 }, { attempt: 3, namespace: 'shop' }])
    assert.equal((await claim(coordinator, id, options)).run, false)
  assert.equal((await claim(coordinator, 'run0000000000999')).run, false)
  for (const state of ['succeeded', 'failed', 'cancelled', 'skipped', 'delayed'] as const) {
    const ended = aRun(2, { id: `runofstate0000${state}`, state, queuedAt: null })
    await coordinator.store.runs.insert([ended])
    assert.deepEqual(await claim(coordinator, ended.id), { run: false, reason: `the ${state === 'delayed' ? 'task' : 'run'} is ${state}` })
  }
})

test('a task that is being cancelled has ended, one that lost its instance too often is poison', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const cancelling = await withRun(coordinator, { id: 'runbeingcancelled', state: 'cancelling', wakeAt: 1 })
  assert.equal((await claim(coordinator, cancelling)).run, false)
  assert.equal((await runOf(coordinator, cancelling)).state, 'cancelled')
  const poison = await withRun(coordinator, { id: 'runthatispoison', losses: POISON_AFTER - 1, startedAt: 1 })
  assert.match(JSON.stringify(await claim(coordinator, poison)), /poison/)
  assert.deepEqual([(await runOf(coordinator, poison)).state, (await runOf(coordinator, poison)).reason], ['failed', 'poison'])
  assert.equal(coordinator.fake.publishedTo(`event.run.${poison}.failed`).length, 1)
})

test('a task of a fan-out run is claimed as any other', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await withRun(coordinator, { mode: 'shards', owner: null })
  const held = { state: 'running', owner: 'i-1', queuedAt: null, target: null } as const
  await coordinator.store.tasks.insert([aTask(run, 0, held), aTask(run, 1, { ...held, state: 'waiting' })])
  assert.deepEqual(await claim(coordinator, `${run}-00000`), { run: true, attempt: 2 })
  assert.deepEqual(await claim(coordinator, `${run}-00001`), { run: false, reason: 'the task is waiting' })
  assert.equal((await claim(coordinator, `${run}-00007`)).run, false)
  const [task] = await coordinator.store.tasks.get([`${run}-00000`])
  assert.deepEqual([task?.owner, task?.attempt, task?.losses], ['i-2', 2, 1])
})

test('a redelivery is no loss while the very process lives that runs the task', async (context) => {
  const coordinator = await createTestCoordinator(context)
  coordinator.presence.sessions.set('i-1', 'first')
  const id = await withRun(coordinator, { ownerSession: 'first' })
  assert.deepEqual(await claim(coordinator, id), { run: false, reason: 'instance i-1 is running it' })
  assert.deepEqual([(await runOf(coordinator, id)).attempt, (await runOf(coordinator, id)).losses], [1, 0])
  // Only the process itself knows whether it still runs it.
  assert.deepEqual(coordinator.fake.publishedTo('control.i-1'), [{ type: 'check', runId: id, taskId: id, attempt: 1 }])
})

test('a process that was restarted under the same name has lost what it ran, whichever instance claims', async (context) => {
  const coordinator = await createTestCoordinator(context)
  coordinator.presence.sessions.set('i-1', 'second')
  for (const asker of [
    { instance: 'i-2', session: 'other' },
    { instance: 'i-1', session: 'second' },
  ]) {
    const id = await withRun(coordinator, { id: `runclaimedby000${asker.session}`, ownerSession: 'first' })
    assert.deepEqual(await claim(coordinator, id, asker), { run: true, attempt: 2 })
    const { owner, ownerSession, losses } = await runOf(coordinator, id)
    assert.deepEqual([owner, ownerSession, losses], [asker.instance, asker.session, 1])
  }
})

test('an owner that asks for what it runs goes on in the same attempt: its answer was lost, no process was', async (context) => {
  const coordinator = await createTestCoordinator(context)
  coordinator.presence.sessions.set('i-1', 'first')
  const id = await withRun(coordinator, { ownerSession: 'first', attempt: 2 })
  const own = { instance: 'i-1', session: 'first' }
  assert.deepEqual(await claim(coordinator, id, { ...own, attempt: 1 }), { run: true, attempt: 2 })
  assert.deepEqual(await claim(coordinator, id, { ...own, attempt: 2 }), { run: true, attempt: 2 })
  assert.equal((await runOf(coordinator, id)).losses, 0)
  const cancelling = await withRun(coordinator, { id: 'runbeingcancelled', state: 'cancelling', ownerSession: 'first', wakeAt: 1 })
  assert.equal((await claim(coordinator, cancelling, own)).run, false)
  assert.equal((await runOf(coordinator, cancelling)).state, 'cancelled')
})

test('an owner that asks for what it has finished does not run it again although its report is not applied yet', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await withRun(coordinator, { ownerSession: 'first' })
  const report = { type: 'finished', runId: id, taskId: id, attempt: 1, outcome: 'succeeded', result: 1 }
  coordinator.repair.reportsApplied = async () => {
    await coordinator.applyReports.execute([reportsFrom('i-1', report)])
    return true
  }
  const own = { instance: 'i-1', session: 'first', redelivered: false }
  assert.deepEqual(await claim(coordinator, id, own), { run: false, reason: 'the run is succeeded' })
})

test('a claim of an ended task is answered, although it is not known whether its owner lives', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = aRun(1, { mode: 'shards', plan: { shards: 1 }, state: 'running', queuedAt: null })
  const task = aTask(run.id, 0, { state: 'succeeded', owner: 'i-1', ownerSession: 'first' })
  await coordinator.store.runs.insert([run])
  await coordinator.store.tasks.insert([task])
  assert.deepEqual(await claim(coordinator, task.id), { run: false, reason: 'the task is succeeded' })
})

test('while it is not known which instances live, no claim is answered', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await withRun(coordinator, { ownerSession: 'first' })
  await assert.rejects(claim(coordinator, id), { code: 'CONCURRENT_CHANGE', retry: true })
  coordinator.presence.lost.add('i-1')
  assert.deepEqual(await claim(coordinator, id), { run: true, attempt: 2 })
})

test('after a machine slept, a task without a reported start is no loss before its instance may be awake', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await withRun(coordinator, { state: 'queued', owner: null })
  coordinator.presence.stoodStill = true
  await assert.rejects(claim(coordinator, id), { code: 'CONCURRENT_CHANGE', retry: true })
  coordinator.presence.sessions.set('i-1', 'first')
  await coordinator.applyReports.execute([
    reportsFrom('i-1', { type: 'started', runId: id, taskId: id, attempt: 1, durationMs: 30_000, session: 'first' }),
  ])
  assert.deepEqual(await claim(coordinator, id), { run: false, reason: 'instance i-1 is running it' })
  const other = await withRun(coordinator, { id: 'runofnobodyatall', state: 'queued', owner: null })
  coordinator.presence.stoodStill = false
  assert.deepEqual(await claim(coordinator, other), { run: true, attempt: 2 })
})

test('what has ended is not run again although its report is not applied yet', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await withRun(coordinator, { state: 'queued', owner: null })
  const report = { type: 'finished', runId: id, taskId: id, attempt: 1, outcome: 'succeeded', result: 1 }
  coordinator.repair.reportsApplied = async () => {
    await coordinator.applyReports.execute([reportsFrom('i-1', report)])
    return true
  }
  assert.deepEqual(await claim(coordinator, id), { run: false, reason: 'the run is succeeded' })
  const other = await withRun(coordinator, { id: 'runofareportthatwaits' })
  coordinator.repair.reportsApplied = async () => false
  await assert.rejects(claim(coordinator, other), { code: 'CONCURRENT_CHANGE', retry: true })
  // One that can never be applied must not stop the mesh.
  await coordinator.clock.advance(26_000)
  assert.deepEqual(await claim(coordinator, other), { run: true, attempt: 2 })
})
