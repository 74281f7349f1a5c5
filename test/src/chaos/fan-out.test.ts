import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventually } from '@carillon/wire/testing'
import { startBroker } from '../support/broker.ts'
import { cliFor, startCli } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { startExecutor } from '../support/executor.ts'
import { connectTo, freshNamespace } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const CALLS = 8
const PER_CALL = 250
const LEAVES = CALLS * PER_CALL
/** Each leaf gives its number: lost ones or double ones show. */
const SUM = (LEAVES * (LEAVES - 1)) / 2
const DONE_BEFORE = LEAVES / 10

describe('kill -9 in the middle of a map-reduce', { concurrency: 2 }, () => {
  for (const store of STORES) {
    test(`of an executor and of one of two coordinators, ${store.name}`, { skip: store.skip }, async (context) => {
      const cleanup = new Cleanup(context)
      const storeUrl = store.fresh(cleanup)
      const broker = await startBroker(cleanup)
      const service = (name: string) =>
        startCli(cleanup, [name, '--nats', broker.url, ...(name === 'registry' ? [] : ['--store', storeUrl])])
      const [, doomed] = [service('registry'), service('coordinator'), service('coordinator')]
      const carillon = cliFor(cleanup, broker.url)
      await eventually('both coordinators answer', async () => /2 coordinators/.test((await carillon(['doctor'])).stdout))
      const namespace = freshNamespace()
      const start = (instance: string) => startExecutor(cleanup, { url: broker.url, namespace, instance, concurrency: 10 })
      const root = await start('a')
      const { client } = await connectTo(cleanup, broker.url, { namespace })
      const run = await client.run('sum', { calls: CALLS, perCall: PER_CALL, ms: 10 }, { shards: 3 })
      await start('b')
      const ended = async () => (await client.runs.tree(run.id)).stages.reduce((sum, { counts }) => sum + (counts.succeeded ?? 0), 0)
      await eventually('a part of it is done', async () => (await ended()) > DONE_BEFORE)
      await root.kill9()
      await eventually('another part is done', async () => (await ended()) > 3 * DONE_BEFORE)
      await doomed.kill9()
      assert.equal(await run.result({ timeoutMs: 90_000 }), SUM)
      const { stages } = await client.runs.tree(run.id)
      assert.deepEqual(
        stages.map(({ name, counts }) => [name, counts]),
        [
          ['root', { succeeded: 1 }],
          ['number', { succeeded: LEAVES }],
          ['reduce', { succeeded: 3 }],
          ['merge', { succeeded: 1 }],
        ],
      )
    })
  }
})
