import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { workflow } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { offering } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

for (const store of STORES)
  describe(`runs that are undone, and runs that are paused, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    let mesh: TestMesh
    before(async () => {
      mesh = await startMesh(cleanup, { store, coordinators: 2 })
    })

    test('what the nodes of a run have done is undone, the last one first, each once (49)', async () => {
      const undone: unknown[] = []
      const { client } = await offering(mesh, {
        reserve: () => 'place 4',
        charge: () => ({ receipt: 9 }),
        refuse: () => {
          throw new Error('no ship')
        },
        undo: (ctx) => void undone.push(ctx.payload),
      })
      const order = workflow('undone')
        .node('reserve', { handler: 'reserve', compensate: 'undo' })
        .node('charge', { handler: 'charge', after: 'reserve', compensate: { handler: 'undo', attempts: 3 } })
        .node('ship', { handler: 'refuse', after: 'charge' })
        .done()
      await client.workflows.put(order)
      const run = await client.run('undone', { id: 'A1' })
      const { state, reason, compensation, message } = await run.ended()
      assert.deepEqual([state, reason, compensation], ['failed', 'tasks-failed', 'complete'])
      assert.match(message ?? '', /node ship: no ship; undone: charge, reserve/)
      const payload = { id: 'A1' }
      assert.deepEqual(undone, [
        { node: 'charge', outcome: 'succeeded', payload, result: { receipt: 9 } },
        { node: 'reserve', outcome: 'succeeded', payload, result: 'place 4' },
      ])
      const states = (await client.runs.tree(run.id)).nodes?.map((node) => node.state)
      assert.deepEqual(states, ['compensated', 'compensated', 'failed'])
    })

    test('a paused run lets end what is under way, and starts nothing until it is resumed (52)', async () => {
      const begun: string[] = []
      let finish: () => void = () => undefined
      const { client } = await offering(mesh, {
        first: () => {
          begun.push('first')
          return new Promise<void>((resolve) => (finish = resolve))
        },
        second: () => void begun.push('second'),
      })
      await client.workflows.put(
        workflow('paused').node('first', { handler: 'first' }).node('second', { handler: 'second', after: 'first' }).done(),
      )
      const run = await client.run('paused')
      await eventually('the first node runs', async () => (await client.runs.tree(run.id)).nodes?.[0]?.state === 'running')
      assert.equal((await run.pause()).state, 'paused')
      finish()
      await eventually('it has ended', async () => (await client.runs.tree(run.id)).nodes?.[0]?.state === 'succeeded')
      assert.deepEqual(
        (await client.runs.list({ state: 'paused' })).items.map(({ runId }) => runId),
        [run.id],
      )
      assert.deepEqual(begun, ['first'])
      await run.resume()
      await run.result()
      assert.deepEqual(begun, ['first', 'second'])
    })
  })
