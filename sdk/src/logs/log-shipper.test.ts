import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogMessage, WorkMessage } from '@carillon/contracts'
import type { StreamPublisher } from '@carillon/wire/internal'
import { eventually, FakeClock, signal } from '@carillon/wire/testing'
import type { Link } from '../connection/link.ts'
import { startMesh } from '../testing/mesh-fixture.ts'
import { LogShipper } from './log-shipper.ts'

test('logs have a connection of their own, which the first line opens', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const mesh = await join({ instance: 'me' })
  const proceed = signal()
  mesh.handle('silent', () => 1)
  mesh.handle('loud', async (ctx) => {
    for (let i = 0; i < 250; i++) ctx.log.debug(`line ${i}`)
    await proceed.fired
  })
  await mesh.start()
  const [silent] = await fake.work('silent', [1])
  const [end] = await eventually('the silent one ends', () => (fake.finished(silent).length === 1 ? fake.finished(silent) : undefined))
  assert.equal(end?.logLines, 0)
  const tail = (await join()).client.tailLogs('runloud000000000')
  assert.equal((await fake.manager.streams.info('LOGS')).state.messages, 0)
  await fake.work('loud', [1], { runId: 'runloud000000000', taskId: 'runloud000000000' })
  let next = 1
  for await (const { seq, level } of tail) {
    assert.deepEqual([seq, level], [next++, 'debug'])
    if (next > 250) break
  }
  assert.equal((await fake.manager.streams.info('LOGS')).state.messages, 3)
  proceed.fire()
  await eventually('the loud one ends', () => fake.finished('runloud000000000')[0]?.logLines === 250)
})

test('lines of an attempt that has ended are sent sooner than those of one that goes on', async () => {
  const clock = new FakeClock()
  const sent: LogMessage[] = []
  const publisher: Partial<StreamPublisher> = {
    publish: ({ body }, done) => {
      sent.push(JSON.parse(String(body)))
      setImmediate(done, undefined)
    },
    close: () => undefined,
  }
  const link: Partial<Link> = {
    ...{ isUp: true, server: { id: 's', maxPayload: 1_000_000 } as Link['server'] },
    ...{ onUp: () => () => undefined, createPublisher: () => publisher as StreamPublisher, handle: (_what, action) => action() },
    close: async () => undefined,
  }
  const shipper = new LogShipper({
    ...{ clock, namespace: 'default', instance: 'me' },
    onWarning: () => undefined,
    open: async () => link as Link,
  })
  const work = (taskId: string): WorkMessage => ({ runId: taskId, taskId, handler: 'h', attempt: 1, payload: null })
  const [goesOn, ended] = [work('goes-on'), work('ended')]
  const line = { level: 'info', message: 'x', fields: undefined } as const
  shipper.add(goesOn, line)
  await eventually('the connection is open', () => sent.length === 1)
  for (const task of [goesOn, goesOn, ended]) shipper.add(task, line)
  assert.equal(sent.length, 1)
  assert.deepEqual([shipper.end(ended), shipper.end(work('silent'))], [1, 0])
  clock.elapse(10)
  assert.deepEqual(
    sent.slice(1).map(({ taskId, lines }) => [taskId, lines.length]),
    [['ended', 1]],
  )
  clock.elapse(1_000)
  assert.deepEqual(
    sent.at(-1)?.lines.map(({ seq }) => seq),
    [2, 3],
  )
  await shipper.stop(1_000)
})

test('lines written while the broker is away arrive when it is back', async (t) => {
  const { fake, server, connect: join } = await startMesh(t)
  const mesh = await join()
  const [written, down, up] = [signal(), signal(), signal()]
  mesh.handle('talks', async (ctx) => {
    ctx.log.info('before')
    written.fire()
    await down.fired
    ctx.log.info('meanwhile')
    await up.fired
    ctx.log.info('after')
  })
  await mesh.start()
  const [task] = await fake.work('talks', [1])
  await written.fired
  await eventually('the first line is stored', async () => (await fake.manager.streams.info('LOGS')).state.messages === 1)
  await server.kill()
  down.fire()
  await server.restart()
  up.fire()
  await eventually('the task ends', () => fake.finished(task).length === 1)
  const lines = await eventually('all lines are stored', async () => {
    const stored = await fake.logLines(task ?? '')
    return stored.length >= 3 ? stored : undefined
  })
  assert.deepEqual([...new Set(lines)].sort(), ['after', 'before', 'meanwhile'])
})
