import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { type Beat, subjects, TIMES, type WorkMessage } from '@carillon/contracts'
import { eventually, REQUEST_DEADLINE, signal } from '@carillon/wire/testing'
import { startMesh } from '../testing/mesh-fixture.ts'

const INSTANCE = 'me'
const workOf = (taskId: string, more: Partial<WorkMessage> = {}): WorkMessage => ({
  ...{ runId: taskId, taskId, handler: 'h', attempt: 1, payload: taskId },
  ...more,
})

/** An executor of handler `h`, with one slot. Its first task was short, so that others are taken ahead; from then on they do what `handle` does. */
async function warmExecutor(t: TestContext, handle: (taskId: string) => unknown, drainMs = 10_000) {
  const fixture = await startMesh(t)
  const { fake } = fixture
  const mesh = await fixture.connect({ instance: INSTANCE, drainMs })
  const begun: string[] = []
  const run = (taskId: string) => {
    begun.push(taskId)
    return handle(taskId)
  }
  mesh.handle<string>('h', ({ payload }) => (payload === 'first' ? payload : run(payload)), { concurrency: 1 })
  const others = new Set(process.listeners('exit'))
  await mesh.start()
  const listeners = process.listeners('exit').filter((listener) => !others.has(listener))
  const assign = (...ids: string[]) =>
    fake.assign(
      INSTANCE,
      ids.map((id) => workOf(id)),
    )
  await assign('first')
  await eventually('it is warm', () => fake.finished('first').length === 1)
  /** What happens at the end of a process: the tests go on, the connection of the executor is gone. */
  const exit = () => {
    for (const listener of listeners) listener.call(process, 0)
  }
  return { ...fixture, mesh, begun, assign, exit }
}

test('assigned tasks run and are reported as others are; one that is assigned again after its end is claimed', async (t) => {
  const { fake, connect: join, warnings } = await startMesh(t)
  const mesh = await join({ instance: INSTANCE })
  const traces: unknown[] = []
  mesh.handle<string>(
    'h',
    (ctx) => {
      traces.push(ctx.traceparent)
      if (ctx.payload === 'b') throw new Error('as assigned')
      return ctx.payload
    },
    { concurrency: 2 },
  )
  await mesh.start()
  assert.equal(fake.registrations[0]?.assignments, true)
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const answer = await fake.assign(INSTANCE, [workOf('a', { traceparent }), workOf('b'), workOf('c')])
  assert.deepEqual([answer.declined, answer.most], [['c'], 2])
  await eventually('both have ended', () => fake.finished().length === 2)
  const [a, b] = ['a', 'b'].map((id) => fake.finished(id)[0])
  assert.deepEqual([a?.outcome, a?.result, b?.outcome, b?.error?.message], ['succeeded', 'a', 'failed', 'as assigned'])
  assert.equal(traces[0], traceparent)
  fake.claimAnswer = () => ({ run: false, reason: 'the run is succeeded' })
  await eventually('its end is remembered', async () => {
    assert.deepEqual((await fake.assign(INSTANCE, [workOf('a')])).declined, [])
    return fake.claims.length > 0
  })
  assert.deepEqual([fake.claims[0]?.taskId, fake.finished().length, warnings], ['a', 2, []])
})

test('a drain releases assigned tasks that have not begun; what runs ends', async (t) => {
  const [runs, proceed] = [signal(), signal()]
  const { fake, mesh, begun, assign } = await warmExecutor(t, () => {
    runs.fire()
    return proceed.fired
  })
  assert.deepEqual((await assign('a', 'b', 'c')).declined, [])
  await runs.fired
  const stopped = mesh.stop()
  await eventually('they are released', async () => (await fake.reported('released')).length === 2)
  proceed.fire()
  await stopped
  const released = (await fake.reported('released')).map(({ taskId }) => taskId)
  assert.deepEqual([begun, released, fake.finished('a')[0]?.outcome], [['a'], ['b', 'c'], 'succeeded'])
})

test('a cordon releases assigned tasks that have not begun, and the next heartbeat does not wait to say so', async (t) => {
  const [runs, proceed] = [signal(), signal()]
  const { fake, begun, assign } = await warmExecutor(t, () => {
    runs.fire()
    return proceed.fired
  })
  assert.deepEqual((await assign('a', 'b', 'c')).declined, [])
  await runs.fired
  const beats: Beat[] = []
  fake.connection.subscribe(subjects.beat('default', INSTANCE), { callback: (_error, message) => void beats.push(message.json()) })
  fake.connection.publish(subjects.control('default', INSTANCE), '{"type":"cordon"}')
  const holds = () =>
    beats
      .filter(({ cordoned }) => cordoned)
      .at(-1)
      ?.holds?.map(({ taskId }) => taskId)
  await eventually('it holds what runs', () => holds()?.join() === 'a', { withinMs: TIMES.beatMs / 2 })
  const released = (await fake.reported('released')).map(({ taskId }) => taskId)
  assert.deepEqual((await assign('d')).declined, ['d'])
  proceed.fire()
  await eventually('what runs ends', () => fake.finished('a').length === 1)
  assert.deepEqual([begun, released], [['a'], ['b', 'c']])
})

test('a process that ends reports of assigned tasks which have begun and which have not', async (t) => {
  const [runs, proceed] = [signal(), signal()]
  const handle = () => {
    runs.fire()
    return proceed.fired
  }
  const { fake, assign, exit } = await warmExecutor(t, handle, 50)
  assert.deepEqual((await assign('runs', 'waits')).declined, [])
  await runs.fired
  exit()
  await eventually('it has said goodbye', () => fake.left.length === 1)
  const died = await fake.reported('died')
  const released = await fake.reported('released')
  assert.deepEqual(
    [died, released].map((reports) => reports.map(({ taskId }) => taskId)),
    [['runs'], ['waits']],
  )
})

/** Ends the wait on `done` when a report of this type arrives. */
const LISTEN = `
const { workerData: { library, url, subject, type, done } } = require('node:worker_threads')
import(library).then(async ({ connect }) => {
  const connection = await connect({ servers: url })
  connection.subscribe(subject, { callback: (_error, message) => {
    if (![message.json()].flat().some((report) => report.type === type)) return
    Atomics.store(done, 0, 1)
    Atomics.notify(done, 0)
    connection.close()
  } })
  await connection.flush()
  require('node:worker_threads').parentPort.postMessage('listens')
})`

test('while a handler blocks the process, its begin is reported, and assigned tasks that wait are released: they do not begin here after that', async (t) => {
  const done = new Int32Array(new SharedArrayBuffer(4))
  const outcomes: string[] = []
  const { fake, server, begun, assign } = await warmExecutor(t, (taskId) => {
    if (taskId === 'blocks') outcomes.push(Atomics.wait(done, 0, 0, 10_000))
  })
  const library = import.meta.resolve('@nats-io/transport-node')
  const subject = subjects.report('default', INSTANCE)
  const listener = new Worker(LISTEN, { eval: true, workerData: { library, url: server.url, subject, type: 'released', done } })
  await new Promise((resolve) => listener.once('message', resolve))
  const answer = assign('blocks', 'b', 'c')
  await eventually('it goes on', () => outcomes.length === 1)
  assert.deepEqual([outcomes, (await answer).declined], [['ok'], []], 'a report has ended the wait')
  await assign('later')
  await eventually('others begin', () => fake.finished('later').length === 1)
  const released = (await fake.reported('released')).map(({ taskId }) => taskId)
  const started = (await fake.reported('started')).map(({ taskId }) => taskId)
  assert.deepEqual([begun, released, started], [['blocks', 'later'], ['b', 'c'], ['blocks']])
})

test('handlers that share slots have them in turns: one with tasks ahead does not keep another from its own', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const mesh = await join({ instance: INSTANCE, capacity: 1 })
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const run = ({ taskId }: { taskId: string }) => {
    begun.push(taskId)
    return taskId.endsWith('0') ? undefined : new Promise<void>((resolve) => ends.set(taskId, resolve))
  }
  mesh.handle('h', run, { concurrency: 1 }).handle('i', run, { concurrency: 1 })
  await mesh.start()
  for (const handler of ['h', 'i']) {
    await fake.assign(INSTANCE, [workOf(`${handler}0`, { handler })])
    await eventually('it is warm', () => fake.finished(`${handler}0`).length === 1)
  }
  assert.deepEqual(
    (
      await fake.assign(
        INSTANCE,
        ['h1', 'h2', 'h3'].map((id) => workOf(id)),
      )
    ).declined,
    [],
  )
  const offered = JSON.stringify(workOf('i1', { handler: 'i' }))
  const answer = await fake.connection.request(subjects.direct('default', INSTANCE), offered, REQUEST_DEADLINE)
  assert.deepEqual(answer.json(), { accepted: true })
  for (const id of ['h1', 'i1', 'h2', 'h3']) {
    const end = await eventually(`${id} runs`, () => ends.get(id))
    end()
  }
  assert.deepEqual(begun, ['h0', 'i0', 'h1', 'i1', 'h2', 'h3'])
})
