import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CALLS, PRESENCE_STREAM, STREAMS } from '@carillon/contracts'
import { eventually } from '@carillon/wire/testing'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { Cleanup } from '../support/cleanup.ts'
import { offering } from '../support/clients.ts'
import { connectTo, startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

/** Waiting work of a handler that nobody offers. */
const RUNS = 300
const NOBODY = 'nobody'

describe('a broker that loses what it had', { concurrency: true }, () => {
  for (const store of STORES) {
    describe(`a broker that loses what it had, ${store.name}`, { skip: store.skip, concurrency: 1 }, () => {
      const cleanup = new Cleanup({ after })
      let mesh: TestMesh
      let manager: JetStreamManager
      before(async () => {
        mesh = await startMesh(cleanup, { store, coordinators: 2 })
        manager = await jetstreamManager(await mesh.nats())
      })

      const waiting = async () => (await manager.streams.info('WORK')).state.messages
      const startWaiting = async () => {
        const { client } = await connectTo(cleanup, mesh.broker.url)
        const before = await eventually('it answers', () =>
          waiting().then(
            (count) => ({ count }),
            () => undefined,
          ),
        ).then(({ count }) => count)
        await client.runMany(Array.from({ length: RUNS }, () => ({ job: NOBODY })))
        await eventually('all wait', async () => (await waiting()) === before + RUNS)
        return before + RUNS
      }

      test('every stream, the bucket and every consumer that is deleted is recreated, and work goes on', async () => {
        const { client } = await offering(mesh, { hello: (ctx) => ctx.payload })
        assert.equal(await (await client.run('hello', 1)).result(), 1)
        for (const name of [...Object.keys(STREAMS), PRESENCE_STREAM]) {
          await manager.streams.delete(name)
          await eventually(`${name} is back`, () =>
            manager.streams.info(name).then(
              () => true,
              () => false,
            ),
          )
        }
        assert.equal(await (await client.run('hello', 2)).result(), 2)
        const run = await client.run(NOBODY)
        await client.runs.cancel(run.id)
        assert.equal((await client.runs.get(run.id)).state, 'cancelled')
        await eventually('all is well', async () => (await client.call(CALLS.coordinatorHealth, {})).checks.every(({ ok }) => ok))
      })

      test('its folder is replaced by an older copy: the queue is filled again at once', async () => {
        await mesh.broker.kill9()
        const older = mesh.broker.copyStore()
        await mesh.broker.start()
        const there = await startWaiting()
        await mesh.broker.kill9()
        older.putBack()
        await mesh.broker.start()
        await eventually('filled again', async () => (await waiting().catch(() => 0)) === there)
        const { client } = await connectTo(cleanup, mesh.broker.url)
        await eventually('all is well', async () => (await client.call(CALLS.coordinatorHealth, {})).checks.every(({ ok }) => ok))
      })

      test('WORK is purged: the queue is filled again, and health says so', async () => {
        const there = await startWaiting()
        await manager.streams.purge('WORK')
        // Within seconds; where a count takes long, it is made less often.
        await eventually('filled again', async () => (await waiting()) === there, { withinMs: 120_000 })
        const { client } = await connectTo(cleanup, mesh.broker.url)
        const { checks } = await client.call(CALLS.coordinatorHealth, {})
        assert.match(
          checks.find(({ name }) => name === 'queue')?.message ?? '',
          /tasks were published again \(stream WORK had \d+ messages fewer/,
        )
      })

      test('blocks of WORK are lost: the queue is filled again', async () => {
        const there = await startWaiting()
        await mesh.broker.kill9()
        mesh.broker.loseBlocks('WORK')
        await mesh.broker.start()
        await eventually('filled again', async () => (await waiting().catch(() => 0)) === there)
      })
    })
  }
})
