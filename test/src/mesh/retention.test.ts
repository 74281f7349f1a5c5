import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { CALLS, CallInput, RunsPruned } from '@carillon/contracts'
import { eventually, REQUEST_DEADLINE } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { offering, refusal } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

for (const store of STORES) {
  describe(`retention, ${store.name}`, { skip: store.skip, concurrency: true }, () => {
    const cleanup = new Cleanup({ after })
    let mesh: TestMesh
    before(async () => {
      mesh = await startMesh(cleanup, { store, coordinators: 2 })
    })

    const prune = async (
      { namespace }: { namespace: string },
      input: CallInput<typeof CALLS.runsPrune>,
    ): Promise<RunsPruned['removed']> => {
      const nats = await mesh.nats()
      const answer = await nats.request(`carillon.${namespace}.api.runs.prune`, JSON.stringify(input), REQUEST_DEADLINE)
      return answer.json<RunsPruned>().removed
    }

    test('a removed run is gone with its tasks, is announced as removed, and its key starts no second one', async () => {
      const offered = await offering(mesh, { echo: (ctx) => ctx.payload })
      const { client } = offered
      const request = { key: 'order-1' }
      const single = await client.run('echo', 1, request)
      const fanned = await client.run('echo', 2, { shards: 3 })
      for (const run of [single, fanned]) await run.ended()
      // While a stream has a report that nothing has applied, of whichever run, later runs stay.
      const removed = { runs: 0, tasks: 0, steps: 0, remembered: 0 }
      await eventually('both are removed', async () => {
        const more = await prune(offered, { olderThanMs: 0 })
        for (const what of ['runs', 'tasks', 'steps', 'remembered'] as const) removed[what] += more[what]
        return removed.runs >= 2
      })
      assert.deepEqual(removed, { runs: 2, tasks: 3, steps: 0, remembered: 2 })
      assert.equal((await refusal(client.runs.get(single.id))).code, 'RUN_REMOVED')
      assert.equal((await refusal(client.runs.retry(fanned.id))).code, 'RUN_REMOVED')
      assert.deepEqual((await client.runs.list()).items, [])
      assert.equal(await mesh.store.retention.countTasks([fanned.id]), 0)
      const again = await client.run('echo', 1, request)
      assert.deepEqual([again.id, again.created], [single.id, false])
      assert.equal((await refusal(client.run('other', 1, request))).code, 'KEY_CONFLICT')
      assert.equal((await refusal(client.run('echo', 2, request))).code, 'KEY_CONFLICT')
      assert.deepEqual(await prune(offered, { olderThanMs: 0 }), { runs: 0, tasks: 0, steps: 0, remembered: 0 })
    })

    test('what is removed belongs to the namespace that asks, and what runs stays', async () => {
      const offered = await offering(mesh, { echo: (ctx) => ctx.payload })
      const other = await offering(mesh, { echo: (ctx) => ctx.payload })
      const run = await other.client.run('echo', 1)
      await run.ended()
      const waiting = await offered.client.run('nobody', 1)
      assert.deepEqual(await prune(offered, { olderThanMs: 0, keep: 0 }), { runs: 0, tasks: 0, steps: 0, remembered: 0 })
      assert.equal((await other.client.runs.get(run.id)).state, 'succeeded')
      assert.equal((await offered.client.runs.get(waiting.id)).state, 'queued')
    })
  })
}
