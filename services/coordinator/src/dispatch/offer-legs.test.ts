import assert from 'node:assert/strict'
import { test } from 'node:test'
import { POISON_AFTER, TIMES, taskIdOf } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import { aRun } from '@carillon/store/testing'
import { createTestCoordinator, partsOn, reportsFrom, type TestCoordinator } from '../testing/test-coordinator.ts'

const { signal } = new AbortController()

/** A broadcast whose legs run on these instances, which all die. */
async function lostBroadcast(coordinator: TestCoordinator, instances: readonly string[]) {
  const { presence, runs, clock, applyReports } = coordinator
  presence.alive.set('hello', [...instances])
  const run = aRun(1, { mode: 'broadcast', queuedAt: clock.now() })
  await runs.insert([run])
  await settle()
  for (const [index, instance] of instances.entries())
    await applyReports.execute([reportsFrom(instance, { runId: run.id, taskId: taskIdOf(run.id, index), attempt: 1, type: 'started' })])
  coordinator.fake.offers.length = 0
  return run
}
const offeredTo = ({ fake }: TestCoordinator, instance: string) =>
  new Set(fake.offers.filter(({ subject }) => subject.endsWith(`.${instance}`)).map(({ body }) => body.taskId)).size

test('of two legs whose instances are lost one goes to the only new instance, the other one has none', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const run = await lostBroadcast(coordinator, ['i-0', 'i-1'])
  coordinator.presence.alive.set('hello', ['i-7'])
  await Promise.all(['i-0', 'i-1'].map((instance) => coordinator.takeOverInstance.execute('default', instance, signal)))
  await settle()
  const { items } = await coordinator.store.tasks.list({ runId: run.id, limit: 10 })
  assert.deepEqual(items.map(({ state, reason }) => `${state} ${reason}`).sort(), ['failed instance-lost', 'queued instance-lost'])
  assert.equal(offeredTo(coordinator, 'i-7'), 1)
})

test('two coordinators that take over two legs at once give an instance no more than one', async (context) => {
  const one = await createTestCoordinator(context)
  const two = partsOn({ ...one, publisher: one.fake.publisher, presence: one.presence })
  const run = await lostBroadcast(one, ['i-0', 'i-1', 'i-2'])
  one.presence.alive.set('hello', ['i-7', 'i-8'])
  await Promise.all(
    [one, two].flatMap(({ takeOverInstance }) => ['i-0', 'i-1', 'i-2'].map((id) => takeOverInstance.execute('default', id, signal))),
  )
  for (let i = 0; i < 20; i++) await settle()
  const { items } = await one.store.tasks.list({ runId: run.id, limit: 10 })
  assert.deepEqual(items.flatMap(({ state, target }) => (state === 'queued' ? [target] : [])).sort(), ['i-7', 'i-8'])
  assert.deepEqual([offeredTo(one, 'i-7'), offeredTo(one, 'i-8')], [1, 1])
})

test('an offer names the process that it is meant for, if that has a session', async (context) => {
  const { presence, runs, clock, fake } = await createTestCoordinator(context)
  presence.alive.set('hello', ['i-0', 'i-1'])
  presence.sessions.set('i-0', 's1')
  await runs.insert([aRun(1, { mode: 'broadcast', queuedAt: clock.now() })])
  await settle()
  assert.deepEqual(fake.offers.map(({ session }) => session).sort(), ['s1', undefined])
})

test('a leg that ends every process it is given ends as poison; an instance that comes back under its name may have it again', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { takeOverInstance, applyReports, store } = coordinator
  const run = await lostBroadcast(coordinator, ['i-0'])
  const taskId = taskIdOf(run.id, 0)
  let deaths = 0
  for (let attempt = 2; ; attempt++) {
    await takeOverInstance.execute('default', 'i-0', signal)
    await settle()
    deaths++
    const [leg] = await store.tasks.get([taskId])
    if (leg?.state !== 'queued') {
      assert.deepEqual([leg?.state, leg?.reason, deaths], ['failed', 'poison', POISON_AFTER])
      return
    }
    assert.equal(leg.target, 'i-0')
    await applyReports.execute([reportsFrom('i-0', { runId: run.id, taskId, attempt, type: 'started' })])
  }
})

test('a leg that ends its process before it reports its begin is lost each time, also where that is restarted under its name at once', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { presence, runs, clock, wakeLives, store } = coordinator
  presence.alive.set('hello', ['i-0'])
  presence.sessions.set('i-0', 's0')
  const run = aRun(1, { mode: 'broadcast', queuedAt: clock.now() })
  await runs.insert([run])
  await settle()
  const taskId = taskIdOf(run.id, 0)
  const losses: unknown[] = []
  for (let process = 1; process <= 6; process++) {
    presence.sessions.set('i-0', `s${process}`)
    await clock.advance(TIMES.ackWaitMs)
    await wakeLives.execute([taskId])
    for (let i = 0; i < 10; i++) await settle()
    losses.push((await store.tasks.get([taskId]))[0]?.losses)
  }
  // The first repetition of an offer stores which process has it.
  assert.deepEqual(losses.slice(0, 4), [0, 1, 1, 2])
  assert.equal(coordinator.fake.offers.at(-1)?.body.alone, true)
})

for (const why of ['hung', 'cordoned'] as const) {
  test(`a broadcast has no leg for a ${why} instance, and with all of them ${why} it waits`, async (context) => {
    const { presence, runs, clock, store, advance, fake } = await createTestCoordinator(context)
    presence.alive.set('hello', ['i-0', 'i-1'])
    for (const instance of ['i-0', 'i-1']) presence[why].add(instance)
    const run = aRun(1, { mode: 'broadcast', queuedAt: clock.now() })
    await runs.insert([run])
    await settle()
    assert.deepEqual((await store.tasks.list({ runId: run.id, limit: 10 })).items, [])
    presence[why].delete('i-1')
    await advance.execute(run.id)
    await settle()
    const { items } = await store.tasks.list({ runId: run.id, limit: 10 })
    assert.deepEqual(
      items.map(({ target }) => target),
      ['i-1'],
    )
    assert.equal(fake.offers.length, 1)
  })

  test(`a leg that has not begun leaves its ${why} instance for an unused one; without one it waits and is not offered`, async (context) => {
    const { presence, runs, clock, store, offers, fake } = await createTestCoordinator(context)
    fake.answerOffer = () => ({ accepted: false, reason: 'busy' })
    presence.alive.set('hello', ['i-0'])
    const run = aRun(1, { mode: 'broadcast', queuedAt: clock.now() })
    await runs.insert([run])
    await settle()
    const legOf = async () => {
      const [task] = await store.tasks.get([taskIdOf(run.id, 0)])
      assert.ok(task)
      return task
    }
    presence[why].add('i-0')
    fake.offers.length = 0
    await offers.execute({ run, task: await legOf() })
    assert.deepEqual([(await legOf()).target, (await legOf()).state, fake.offers.length], ['i-0', 'queued', 0])
    presence.alive.set('hello', ['i-0', 'i-1'])
    await offers.execute({ run, task: await legOf() })
    await settle()
    const { target, state, attempt, losses } = await legOf()
    assert.deepEqual([target, state, attempt, losses], ['i-1', 'queued', 2, 0])
    assert.deepEqual(
      fake.offers.map(({ subject, body }) => [subject.split('.').at(-1), body.attempt]),
      [['i-1', 2]],
    )
  })
}
