import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { eventually } from '@carillon/wire/testing'
import { startBroker } from '../support/broker.ts'
import { cliFor, startCli } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { startMesh } from '../support/mesh.ts'
import { sqlite } from '../support/stores.ts'

describe('health', { concurrency: true }, () => {
  test('a process says of itself how it is, whatever others of its kind say', async (context) => {
    const cleanup = new Cleanup(context)
    const { url } = await startBroker(cleanup)
    const folder = cleanup.folder()
    const start = async (name: string) => {
      const socket = join(folder, name)
      const service = startCli(cleanup, ['registry', '--nats', url], { env: { CARILLON_HEALTH_SOCKET: socket } })
      await service.shows(/"service\.ready"/)
      return { service, socket }
    }
    const [one, other] = [await start('one'), await start('other')]
    // No broker is asked: none is at the default address.
    const carillon = cliFor(cleanup, undefined)
    const health = (socket: string, service = 'registry') => carillon(['health', service, '--socket', socket])
    await eventually('it listens', async () => (await health(one.socket)).code === 0)
    const id = (stdout: string) => /^registry (\S+)/.exec(stdout)?.[1]
    assert.notEqual(id((await health(one.socket)).stdout), id((await health(other.socket)).stdout))
    const wrong = await health(one.socket, 'coordinator')
    assert.deepEqual([wrong.code, /NO_SERVICE: A registry answers there/.test(wrong.stderr)], [3, true], wrong.stderr)
    one.service.signal('SIGSTOP')
    const hung = await health(one.socket)
    assert.deepEqual([hung.code, /CALL_TIMEOUT/.test(hung.stderr)], [3, true], hung.stderr)
    assert.equal((await health(other.socket)).code, 0)
    await one.service.kill9()
    const gone = await health(one.socket)
    assert.deepEqual([gone.code, /NO_SERVICE: Nobody answers/.test(gone.stderr)], [3, true], gone.stderr)
  })

  test('the doctor misses a coordinator that died, until another one takes its place', async (context) => {
    const cleanup = new Cleanup(context)
    const mesh = await startMesh(cleanup, { store: sqlite })
    const start = async () => {
      const service = startCli(cleanup, ['coordinator', '--nats', mesh.broker.url, '--store', mesh.storeUrl])
      await service.shows(/"service\.ready"/)
      return service
    }
    const dies = await start()
    const doctor = async () => (await cliFor(cleanup, mesh.broker.url)(['doctor'])).stdout
    await eventually('both answer', async () => /2 coordinators/.test(await doctor()), { everyMs: 200 })
    await dies.kill9()
    const missed = /✗ coordinators: 1 coordinator of 2 that lived within the last hour\n +→ /
    await eventually('it is missed', async () => missed.test(await doctor()), { everyMs: 500 })
    await start()
    await eventually('it is not missed any more', async () => !/✗ coordinators/.test(await doctor()), { everyMs: 500 })
  })
})
