import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, signal } from '@carillon/wire/testing'
import { startMesh } from '../testing/mesh-fixture.ts'

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
  await eventually('the silent one ends', () => fake.finished(silent).length === 1)
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
