import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CALLS } from '@carillon/contracts'
import { startCoordinator } from '@carillon/coordinator'
import { startLogger } from '@carillon/logger'
import { startRegistry } from '@carillon/registry'
import { openStore } from '@carillon/store'
import { freePort } from '@carillon/wire/testing'
import { startBroker } from '../support/broker.ts'
import { cliFor, startCli } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { offering, refusal } from '../support/clients.ts'
import { oldBroker } from '../support/foreign-server.ts'
import { connectTo, freshNamespace, quietLog, startMesh } from '../support/mesh.ts'
import { sqlite, type TestStore } from '../support/stores.ts'

const MIB = 1024 * 1024

describe('surroundings that are not well', { concurrency: 2 }, () => {
  const ways = {
    'too old': { code: 'NATS_TOO_OLD', start: oldBroker },
    'without JetStream': {
      code: 'JETSTREAM_MISSING',
      start: async (cleanup: Cleanup) => (await startBroker(cleanup, { jetStream: false })).url,
    },
    gone: { code: 'NATS_UNAVAILABLE', start: async () => `nats://127.0.0.1:${await freePort()}` },
  } as const
  for (const [what, { code, start }] of Object.entries(ways))
    test(`a broker that is ${what}: services, executors and the command line say so`, async (context) => {
      const cleanup = new Cleanup(context)
      const natsUrl = await start(cleanup)
      const store = await openStore('sqlite::memory:')
      cleanup.add('store', () => store.close())
      for (const starting of [
        () => startCoordinator({ nats: { servers: natsUrl }, store, log: quietLog }),
        () => startRegistry({ nats: { servers: natsUrl }, log: quietLog }),
        () => startLogger({ nats: { servers: natsUrl }, store, log: quietLog }),
        async () => (await connectTo(cleanup, natsUrl)).handle('x', () => null).start(),
      ]) {
        const error = await refusal(starting())
        assert.equal(error.code, code)
        assert.ok(error.details.hint)
      }
      const carillon = cliFor(cleanup, natsUrl)
      const doctor = await carillon(['doctor'])
      assert.equal(doctor.code, 1)
      assert.match(doctor.stdout, /✗ broker: .*\n +→ /)
      const service = await carillon(['coordinator', '--store', 'sqlite::memory:'])
      assert.equal(service.code, 3, service.stderr)
      assert.match(service.stderr, new RegExp(`error ${code}: `))
    })

  test('a store that is read-only: no coordinator starts on it, and what runs is not disturbed', async (context) => {
    const cleanup = new Cleanup(context)
    const mesh = await startMesh(cleanup, { store: sqlite })
    const { client } = await offering(mesh, { echo: (ctx) => ctx.payload })
    const store = await openStore(mesh.storeUrl, { readOnly: true })
    cleanup.add('read-only store', () => store.close())
    assert.equal((await refusal(startCoordinator({ nats: { servers: mesh.broker.url }, store, log: quietLog }))).code, 'STORE_READ_ONLY')
    assert.equal(await (await client.run('echo', 1)).result(), 1)
  })

  test('a data folder that is read-only: up says so and leaves nothing', async (context) => {
    const cleanup = new Cleanup(context)
    const folder = mounted(cleanup, 4 * MIB)
    if (folder === undefined) return context.skip('needs root and the right to mount')
    spawnSync('mount', ['-o', 'remount,ro', folder])
    const up = startCli(cleanup, ['up', '--port', '0', '--data', folder])
    assert.equal((await up.exited).code, 1)
    assert.match(up.stderr(), /^error DATA_FOLDER_NOT_WRITABLE: /)
    const service = startCli(cleanup, ['coordinator', '--store', `sqlite:${folder}/carillon.db`])
    assert.notEqual((await service.exited).code, 0)
    assert.match(service.stderr(), /error STORE_READ_ONLY: /)
  })

  test('a store that is full: refused with its code, nothing accepted is lost, and with space it goes on', async (context) => {
    const cleanup = new Cleanup(context)
    const folder = mounted(cleanup, 24 * MIB)
    if (folder === undefined) return context.skip('needs root and the right to mount')
    const store: TestStore = { ...sqlite, fresh: () => `sqlite:${join(folder, 'carillon.db')}` }
    const mesh = await startMesh(cleanup, { store })
    const namespace = freshNamespace()
    const { client } = await mesh.connect({ namespace })
    const filler = join(folder, 'filler')
    const { bavail, bsize } = statfsSync(folder)
    writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - 4 * MIB)))
    const accepted: string[] = []
    let refused: { code: string } | undefined
    while (refused === undefined && accepted.length < 500) {
      const [outcome] = await client.runMany([{ handler: 'weigh', payload: 'x'.repeat(100_000) }], { giveUpAfterMs: 500 })
      if (outcome?.ok) accepted.push(outcome.run.id)
      else refused = outcome?.error
    }
    assert.equal(refused?.code, 'STORE_FULL')
    assert.ok(accepted.length > 0)
    const health = await client.call(CALLS.coordinatorHealth, {})
    assert.ok(health.service === 'coordinator', 'it still answers')
    assert.equal((await client.runs.get(accepted[0] as string)).state, 'queued', 'what is there can be read')
    rmSync(filler)
    await offering(mesh, { weigh: (ctx: { payload: string }) => ctx.payload.length }, { namespace })
    const results = await Promise.all(accepted.map((id) => client.handleOf(id).result({ timeoutMs: 30_000 })))
    assert.deepEqual([...new Set(results)], [100_000])
    assert.equal(await (await client.run('weigh', 'xx')).result(), 2)
    context.diagnostic(`${accepted.length} runs of 100 kB were accepted before the store was full`)
  })
})

/** A small file system of its own; undefined where we may not mount. */
function mounted(cleanup: Cleanup, bytes: number): string | undefined {
  const folder = cleanup.folder()
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder])
  if (status !== 0) return undefined
  cleanup.add('mount', () => void spawnSync('umount', ['-l', folder]))
  return folder
}
