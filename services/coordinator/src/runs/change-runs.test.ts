import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TIMES } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { RunRecord } from '@carillon/store'
import { aRun, aTask } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

async function withRun(coordinator: TestCoordinator, fields: Partial<RunRecord> = {}): Promise<string> {
  const run = aRun(1, { queuedAt: coordinator.clock.now(), ...fields })
  await coordinator.runs.insert([run])
  await settle()
  return run.id
}
const running = { state: 'running', owner: 'i-1', startedAt: 1, queuedAt: null, wakeAt: Date.UTC(2100, 0) } as const

test('a queued run that is cancelled never starts: its message is removed, and instances that may hold it are notified', async (context) => {
  const coordinator = await createTestCoordinator(context)
  coordinator.presence.alive.set('hello', ['i-1', 'i-2'])
  const id = await withRun(coordinator)
  assert.equal((await coordinator.changeRuns.cancel('default', id)).state, 'cancelled')
  assert.deepEqual(coordinator.fake.purged, [`carillon.default.work.hello.normal.${id}`])
  for (const instance of ['i-1', 'i-2'])
    assert.deepEqual(coordinator.fake.publishedTo(`control.${instance}`), [{ type: 'cancel', taskId: id }])
  assert.equal(coordinator.fake.publishedTo(`event.run.${id}.cancelled`).length, 1)
  await coordinator.applyReports.execute([reportsFrom('i-1', { type: 'started', runId: id, taskId: id, attempt: 1 })])
  assert.equal((await runOf(coordinator, id)).state, 'cancelled')
})

test('a running one is cancelled when its owner confirms, or is silent beyond its grace', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeRuns, clock, wakeLives, fake } = coordinator
  const confirmed = await withRun(coordinator, { ...running, id: 'runthatconfirms' })
  const silent = await withRun(coordinator, { ...running, id: 'runthatissilent' })
  for (const id of [confirmed, silent]) {
    assert.equal((await changeRuns.cancel('default', id)).state, 'cancelling')
    assert.equal((await changeRuns.cancel('default', id)).state, 'cancelling')
  }
  assert.equal(fake.publishedTo('control.i-1').length, 2)
  const finished = { type: 'finished', runId: confirmed, taskId: confirmed, attempt: 1, outcome: 'cancelled' }
  await coordinator.applyReports.execute([reportsFrom('i-1', finished)])
  assert.equal((await runOf(coordinator, confirmed)).state, 'cancelled')
  await clock.advance(TIMES.graceMs)
  await wakeLives.execute([silent])
  assert.equal((await runOf(coordinator, silent)).state, 'cancelling')
  await clock.advance(2_000)
  await wakeLives.execute([silent])
  assert.deepEqual(
    [(await runOf(coordinator, silent)).state, (await runOf(coordinator, silent)).reason],
    ['cancelled', 'cancelled-by-request'],
  )
})

test('where nothing failed, nothing that failed runs again', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeRuns, store } = coordinator
  const retry = (runId: string) => changeRuns.retry('default', { runId, only: 'failed' })
  const ended = { queuedAt: null, reason: 'completed', endedAt: 1 } as const
  const task = { ...ended, startedAt: 1, owner: 'i-1' }
  const rows: [Partial<RunRecord>, ('succeeded' | 'failed' | 'cancelled' | 'timed_out')[], boolean][] = [
    [{ state: 'succeeded' }, [], false],
    [{ state: 'skipped' }, [], false],
    [{ state: 'failed' }, [], true],
    [{ state: 'timed_out' }, [], true],
    [{ state: 'cancelled' }, [], true],
    [{ state: 'skipped', mode: 'broadcast' }, [], false],
    [{ state: 'succeeded', mode: 'broadcast' }, ['succeeded', 'succeeded'], false],
    [{ state: 'succeeded', mode: 'shards' }, ['succeeded', 'failed'], true],
    [{ state: 'succeeded', mode: 'map' }, ['succeeded'], false],
    [{ state: 'succeeded', mode: 'map-reduce' }, ['succeeded', 'timed_out'], true],
    [{ state: 'cancelled', mode: 'map' }, [], true],
  ]
  for (const [i, [fields, states, isRetried]] of rows.entries()) {
    const run = aRun(1, { ...ended, id: `runtoretry00000${10 + i}`, ...fields })
    await store.runs.insert([run])
    await store.tasks.insert(states.map((state, index) => aTask(run.id, index, { ...task, state })))
    if (isRetried) assert.equal((await retry(run.id)).state, 'queued', run.id)
    else await assert.rejects(retry(run.id), { code: 'NOTHING_FAILED' }, run.id)
  }
})

test('a run that ended, or is not there, or is of another namespace is not cancelled', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await withRun(coordinator, { state: 'succeeded', queuedAt: null, reason: 'completed', endedAt: 1 })
  await assert.rejects(coordinator.changeRuns.cancel('default', id), { code: 'RUN_ENDED' })
  await assert.rejects(coordinator.changeRuns.cancel('shop', id), { code: 'RUN_NOT_FOUND' })
  await assert.rejects(coordinator.changeRuns.cancel('default', 'run0000000000999'), { code: 'RUN_NOT_FOUND' })
})

test('a run that changes while it is cancelled is decided about again', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await withRun(coordinator)
  const update = coordinator.store.runs.update.bind(coordinator.store.runs)
  coordinator.store.runs.update = async (changes) => {
    coordinator.store.runs.update = update
    await update([{ id, expect: { state: ['queued'] }, set: { state: 'running', owner: 'i-1', queuedAt: null } }])
    return update(changes)
  }
  assert.equal((await coordinator.changeRuns.cancel('default', id)).state, 'cancelling')
})

test('a manual retry runs an ended run again, an open one is refused', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await withRun(coordinator, {
    state: 'failed',
    reason: 'handler-error',
    queuedAt: null,
    endedAt: 1,
    attempt: 3,
    attempts: 3,
    tries: 3,
  })
  const view = await coordinator.changeRuns.retry('default', { runId: id })
  await settle()
  assert.deepEqual([view.state, view.attempt, view.attempts], ['queued', 4, 6])
  assert.equal(coordinator.fake.publishedTo('work.hello')[0]?.['attempt'], 4)
  await assert.rejects(coordinator.changeRuns.retry('default', { runId: id }), { code: 'RUN_OPEN' })
})

test('the view of a queued run says what it waits for, also after a failed attempt', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await withRun(coordinator, { error: { name: 'E', message: 'no' } })
  coordinator.presence.alive.set('other', ['i-1'])
  const { reason, message } = await coordinator.readRuns.get('default', id)
  assert.deepEqual([reason, message], ['no-instance', 'no instance offers handler `hello`; these are offered: other'])
  coordinator.presence.alive.set('hello', ['i-1'])
  assert.equal((await coordinator.readRuns.get('default', id)).reason, undefined)
  const messageWith = async (instances: { cordoned: string[]; hung: string[] }) => {
    for (const [why, names] of Object.entries(instances) as ['cordoned' | 'hung', string[]][]) {
      coordinator.presence[why].clear()
      for (const name of names) coordinator.presence[why].add(name)
    }
    const view = await coordinator.readRuns.get('default', id)
    return view.reason === 'no-instance' ? view.message : undefined
  }
  coordinator.presence.alive.set('hello', ['i-1', 'i-2'])
  assert.equal(
    await messageWith({ cordoned: ['i-1', 'i-2'], hung: [] }),
    'every instance that offers handler `hello` is cordoned: i-1, i-2',
  )
  assert.match((await messageWith({ cordoned: ['i-1'], hung: ['i-2'] })) ?? '', /is cordoned \(i-1\) or hung \(i-2: handlers that ignore/)
  assert.equal(await messageWith({ cordoned: ['i-1'], hung: [] }), undefined)
})

test('what a lost instance ran is taken over; what others run is not', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { signal } = new AbortController()
  const mine = await withRun(coordinator, { ...running, id: 'runofthelostone' })
  const other = await withRun(coordinator, { ...running, id: 'runofanotherone', owner: 'i-2' })
  const foreign = await withRun(coordinator, { ...running, id: 'runofaforeigner', namespace: 'shop' })
  const second = await createTestCoordinator(context, { store: coordinator.store, clock: coordinator.clock })
  await Promise.all([coordinator, second].map(({ takeOverInstance }) => takeOverInstance.execute('default', 'i-1', signal)))
  await settle()
  const { state, attempt, losses, owner } = await runOf(coordinator, mine)
  assert.deepEqual([state, attempt, losses, owner], ['queued', 2, 1, null])
  for (const id of [other, foreign]) assert.equal((await runOf(coordinator, id)).state, 'running')
  assert.equal([...coordinator.fake.publishedTo('work.'), ...second.fake.publishedTo('work.')].length, 1)
})

test('what a process of that name has begun since is not taken over', async (context) => {
  const coordinator = await createTestCoordinator(context)
  coordinator.presence.sessions.set('i-1', 'second')
  const before = await withRun(coordinator, { ...running, id: 'runofthefirstone', ownerSession: 'first' })
  const since = await withRun(coordinator, { ...running, id: 'runofthesecondone', ownerSession: 'second' })
  await coordinator.takeOverInstance.execute('default', 'i-1', new AbortController().signal)
  assert.deepEqual([(await runOf(coordinator, before)).attempt, (await runOf(coordinator, since)).attempt], [2, 1])
})

test('more runs than a page are all taken over', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await coordinator.store.runs.insert(Array.from({ length: 1_203 }, (_, n) => aRun(n, running)))
  await coordinator.takeOverInstance.execute('default', 'i-1', new AbortController().signal)
  assert.equal((await coordinator.store.runs.list({ namespace: 'default', states: ['running'], limit: 10 })).items.length, 0)
})

test('a running run is checked: alive, lost, over its time', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, presence, wakeLives } = coordinator
  const startedAt = clock.now()
  const due = { ...running, startedAt, wakeAt: startedAt }
  const alive = await withRun(coordinator, { ...due, id: 'runthatisalive' })
  const lost = await withRun(coordinator, { ...due, id: 'runthatislost', owner: 'i-9' })
  const restarted = await withRun(coordinator, { ...due, id: 'runofarestartedone', owner: 'i-8', ownerSession: 'first' })
  presence.sessions.set('i-8', 'second')
  presence.lost.add('i-9')
  await wakeLives.execute([alive, lost, restarted])
  assert.deepEqual([(await runOf(coordinator, alive)).wakeAt, (await runOf(coordinator, alive)).state], [startedAt + 30_000, 'running'])
  for (const id of [lost, restarted])
    assert.deepEqual([(await runOf(coordinator, id)).state, (await runOf(coordinator, id)).reason], ['queued', 'instance-lost'])
  const slow = await withRun(coordinator, { ...due, id: 'runthatisslow', timeoutMs: 1_000 })
  await clock.advance(1_000 + TIMES.graceMs + 2_000)
  await wakeLives.execute([slow])
  assert.deepEqual([(await runOf(coordinator, slow)).state, (await runOf(coordinator, slow)).reason], ['timed_out', 'attempt-timeout'])
  assert.ok(coordinator.fake.publishedTo('control.i-1').some(({ taskId }) => taskId === slow))
  await wakeLives.execute([slow, 'run0000000000999'])
})

test('a leg is cancelled with its run, whatever state it is in', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, changeRuns, fake } = coordinator
  coordinator.presence.alive.set('hello', ['i-0'])
  const run = aRun(1, { ...running, owner: null, mode: 'broadcast' })
  await store.runs.insert([run])
  await store.tasks.insert([
    aTask(run.id, 0),
    aTask(run.id, 1, { state: 'running', owner: 'i-1', queuedAt: null }),
    aTask(run.id, 2, { state: 'succeeded', reason: 'completed', queuedAt: null, endedAt: 1 }),
  ])
  await changeRuns.cancel('default', run.id)
  await settle()
  const states = (await store.tasks.list({ runId: run.id, limit: 10 })).items.map(({ state }) => state)
  assert.deepEqual(states, ['cancelled', 'cancelling', 'succeeded'])
  assert.equal(fake.publishedTo('control.').length, 2)
  await coordinator.applyReports.execute([
    reportsFrom('i-1', { type: 'finished', runId: run.id, taskId: `${run.id}-00001`, attempt: 1, outcome: 'cancelled' }),
  ])
  await settle()
  assert.deepEqual(
    [(await runOf(coordinator, run.id)).state, (await runOf(coordinator, run.id)).reason],
    ['cancelled', 'cancelled-by-request'],
  )
})
