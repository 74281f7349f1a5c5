import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { setTimeout as pauseFor } from 'node:timers/promises'
import { createLogger } from '@carillon/runtime'
import { eventually } from '@carillon/runtime/testing'
import { startRegistry } from '../start-registry.ts'
import { startMesh, startTestRegistry, type TestMesh } from '../testing/test-registry.ts'

const lostOnes = (mesh: TestMesh) => mesh.heard.filter(({ subject }) => subject.endsWith('.lost')).map(({ body }) => body['instance'])

// Most of their time is waiting, each for its own broker.
describe('disturbance', { concurrency: true }, () => {
  it('a broker that comes back empty: streams at once, instances when they beat', async (t) => {
    const mesh = await startMesh(t, 2)
    await mesh.register('a', ['invoice'])
    await mesh.broker.server.kill()
    await mesh.broker.server.restart({ wipe: true })
    mesh.keepBeating('a')
    // A registry that still knew it when the bucket was there again has written its entry instead.
    const isRestored = () => mesh.broker.lines.some(({ evt }) => evt === 'presence.restored')
    await eventually('asked to register', () => mesh.count('carillon.default.control.a') > 0 || isRestored())
    await eventually('registered', () =>
      mesh.register('a', ['invoice']).then(
        () => true,
        () => false,
      ),
    )
    await mesh.broker.manager.consumers.info('WORK', 'default~invoice')
    await eventually('both know it', async () =>
      (await Promise.all([mesh.list(), mesh.list(), mesh.list(), mesh.list()])).every((list) => list.length === 1),
    )
    await mesh.broker.manager.streams.info('EVENTS')
    mesh.stopBeating('a')
    await eventually('lost', () => lostOnes(mesh).length > 0)
    assert.deepEqual(lostOnes(mesh), ['a'])
  })

  it('a broker that comes back with its data: everyone gets a fresh grace', async (t) => {
    // Longer than the second that this connection may need to be back.
    const mesh = await startMesh(t, 1, 1_500)
    await mesh.register('a', ['invoice'])
    await mesh.broker.server.kill()
    await pauseFor(1.2 * mesh.lostAfterMs)
    await mesh.broker.server.restart({ wipe: false })
    mesh.keepBeating('a')
    await eventually('its beats arrive again', async () => (await mesh.list().catch(() => []))[0]?.silentMs === 0)
    await pauseFor(0.3 * mesh.lostAfterMs)
    assert.deepEqual(lostOnes(mesh), [])
    assert.equal((await mesh.list()).length, 1)
  })

  it('a registry that starts gives everyone it finds a fresh grace, and judges them then', async (t) => {
    const mesh = await startMesh(t)
    const other = await startTestRegistry(mesh)
    await mesh.register('a')
    await other.stop()
    await other.stop()
    await startTestRegistry(mesh)
    assert.equal((await mesh.list()).length, 1)
    await eventually('lost', () => lostOnes(mesh).length > 0)
    await eventually('gone', async () => (await mesh.list()).length === 0)
    assert.deepEqual(lostOnes(mesh), ['a'])
  })

  it('a suspended registry declares no instance lost, nor does a suspended broker', async (t) => {
    const mesh = await startMesh(t, 0)
    const code = `
      import { startRegistry } from '${new URL('../start-registry.js', import.meta.url).href}'
      import { createLogger } from '@carillon/runtime'
      await startRegistry({ nats: { servers: '${mesh.broker.server.url}' }, log: createLogger({ name: 'registry', level: 'error' }), lostAfterMs: ${mesh.lostAfterMs} })
      console.log('started')`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: new URL('.', import.meta.url),
    })
    mesh.broker.after(async () => {
      if (child.kill('SIGKILL')) await once(child, 'exit')
    })
    await once(createInterface({ input: child.stdout }), 'line')
    await mesh.register('a')
    mesh.keepBeating('a')
    for (const pausing of [child, { kill: (name: 'SIGSTOP' | 'SIGCONT') => mesh.broker.server.signal(name) }]) {
      pausing.kill('SIGSTOP')
      await pauseFor(2 * mesh.lostAfterMs)
      pausing.kill('SIGCONT')
      await pauseFor(0.8 * mesh.lostAfterMs)
      assert.equal((await mesh.list()).length, 1)
    }
    assert.deepEqual(lostOnes(mesh), [])
    mesh.stopBeating('a')
    await eventually('lost in the end', () => lostOnes(mesh).length === 1)
  })

  it('stops while the broker is away, and does not start without one', async (t) => {
    const mesh = await startMesh(t, 0)
    const registry = await startTestRegistry(mesh)
    await mesh.broker.server.kill()
    await Promise.all([registry.stop(), registry.stop()])
    const log = createLogger({ name: 'test', level: 'silent' })
    await assert.rejects(startRegistry({ nats: { servers: mesh.broker.server.url }, log }), { code: 'NATS_UNAVAILABLE' })
  })
})
