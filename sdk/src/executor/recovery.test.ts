import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type WorkMessage, workConsumer } from '@carillon/contracts'
import { eventually, signal } from '@carillon/wire/testing'
import { startMesh } from '../testing/mesh-fixture.ts'

const TASKS = 2_000

test('kill -9 of the broker in mid-flight: every report arrives', async (t) => {
  const { fake, server, warnings, connect: join } = await startMesh(t)
  const done = new Set<string>()
  fake.claimAnswer = ({ taskId, attempt }) => (done.has(taskId) ? { run: false, reason: 'ended' } : { run: true, attempt })
  const some = signal()
  fake.onReport = (report) => {
    if (report.type === 'finished') done.add(report.taskId)
    if (done.size > TASKS / 10) some.fire()
  }
  const mesh = await join()
  mesh.handle('quick', () => 1, { concurrency: 20 })
  const ids = await fake.work('quick', Array(TASKS).fill(null))
  await mesh.start()
  await some.fired
  await server.kill()
  await server.restart()
  await eventually('every task has a report', () => done.size === TASKS)
  assert.deepEqual(
    ids.filter((id) => !done.has(id)),
    [],
  )
  assert.ok(warnings.some(({ code }) => code === 'reconnected'))
  await eventually('the executor has registered again', () => fake.registrations.length > 1)
})

test('the broker is away while thousands of tasks end: each has run once when it is back', async (t) => {
  const { fake, server, connect: join } = await startMesh(t)
  const mesh = await join()
  const [proceed, allRun] = [signal(), signal()]
  const hasEnded = (id: string) => fake.finished(id).length > 0
  fake.claimAnswer = ({ taskId, attempt }) => (hasEnded(taskId) ? { run: false, reason: 'ended' } : { run: true, attempt })
  let runs = 0
  const handler = async () => {
    if (++runs === TASKS) allRun.fire()
    await proceed.fired
  }
  mesh.handle('waits', handler, { concurrency: TASKS })
  const ids = await fake.work('waits', Array(TASKS).fill(null))
  await mesh.start()
  await allRun.fired
  await server.kill()
  proceed.fire()
  await server.restart()
  await eventually('every task has a report', () => new Set(fake.finished().map(({ taskId }) => taskId)).size === TASKS)
  await eventually('every message is acknowledged', async () => (await fake.manager.streams.info('WORK')).state.messages === 0)
  assert.equal(runs, ids.length)
})

test('a consumer that is deleted, a stream that is wiped: the executor registers again and goes on', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const mesh = await join()
  mesh.handle('quick', () => 1, { concurrency: 2 })
  await mesh.start()
  await eventually(
    'it asks for work',
    async () => (await fake.manager.consumers.info('WORK', workConsumer('default', 'quick'))).num_waiting > 0,
  )
  await fake.manager.consumers.delete('WORK', workConsumer('default', 'quick'))
  const [afterDelete] = await fake.work('quick', [1])
  await eventually('work goes on after the consumer was deleted', () => fake.finished(afterDelete).length > 0)
  await fake.manager.streams.delete('WORK')
  await fake.createStreams()
  const [afterWipe] = await fake.work('quick', [1])
  await eventually('work goes on after the stream was wiped', () => fake.finished(afterWipe).length > 0)
})

test('a report stream that is full or gone: reports are kept and sent again', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const mesh = await join()
  const proceed = signal()
  mesh.handle('quick', () => proceed.fired.then(() => 'kept'))
  await mesh.start()
  const [task] = await fake.work('quick', [1])
  await fake.manager.streams.delete('REPORTS')
  const asked = fake.registrations.length
  proceed.fire()
  await eventually('it asks the registry for help', () => fake.registrations.length > asked)
  assert.equal((await fake.manager.streams.info('WORK')).state.messages, 1)
  await fake.createStreams()
  await fake.collectReports()
  await eventually('the report arrives', () => fake.finished(task)[0]?.result === 'kept')
  await eventually('the work is acknowledged', async () => (await fake.manager.streams.info('WORK')).state.messages === 0)
})

test('a drain takes no more, finishes what runs, gives back what waits, says goodbye', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const mesh = await join({ instance: 'me', drainMs: 10_000 })
  const [running, proceed] = [signal(), signal()]
  mesh.handle(
    'work',
    async (ctx) => {
      running.fire()
      await proceed.fired
      ctx.log.info('last words')
      return 'done'
    },
    { concurrency: 1 },
  )
  await mesh.start()
  const [first] = await fake.work('work', [1])
  await running.fired
  const [second] = await fake.work('work', [2])
  const tail = (await join()).client.tailLogs(first ?? '')
  fake.connection.publish('carillon.default.control.me', '{"type":"drain"}')
  const stopped = mesh.stop()
  proceed.fire()
  await stopped
  assert.equal(fake.finished(first)[0]?.result, 'done')
  assert.equal(fake.finished(second).length, 0)
  assert.deepEqual(fake.left, ['me'])
  assert.equal((await fake.manager.streams.info('WORK')).state.messages, 1)
  for await (const { message } of tail) {
    assert.equal(message, 'last words')
    break
  }
})

test('what a drain has to abort is released once, as work that has begun', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const mesh = await join({ instance: 'me', drainMs: 20 })
  const running = signal()
  mesh.handle('breaks', (ctx) => {
    running.fire()
    return new Promise((_resolve, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
  })
  await mesh.start()
  const [task] = await fake.work('breaks', [1])
  await running.fired
  await mesh.stop()
  const [next] = await fake.take(workConsumer('default', 'breaks'), 1)
  assert.deepEqual([next?.json<WorkMessage>().taskId, next?.info.deliveryCount], [task, 2])
  assert.deepEqual(await fake.reported('released'), [])
})

test('what arrives while a drain begins is released at once', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const mesh = await join({ drainMs: 10_000 })
  const stopping = signal()
  // In the middle of a bunch: the others of it arrive after the drain has begun.
  mesh.handle('work', () => stopping.fire(void mesh.stop()), { concurrency: 100 })
  await fake.createConsumer('work')
  await fake.work('work', Array(200).fill(null))
  await mesh.start()
  await stopping.fired
  await mesh.stop()
  const { messages } = (await fake.manager.streams.info('WORK')).state
  assert.ok(messages > 100)
  assert.equal((await fake.take(workConsumer('default', 'work'), messages)).length, messages)
  assert.ok((await fake.reported('released')).length > 0)
})

test('a registry that comes late is waited for', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const register = fake.answers['instances.register']
  const asked = signal()
  fake.answers['instances.register'] = () => {
    asked.fire()
    if (register) fake.answers['instances.register'] = register
    return { error: { code: 'STORE_UNAVAILABLE', message: 'not yet' } }
  }
  const mesh = await join()
  mesh.handle('quick', () => 1)
  const starting = mesh.start()
  await asked.fired
  await starting
  assert.equal(fake.registrations.length, 1)
})
