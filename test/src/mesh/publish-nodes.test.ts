import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { HEADERS } from '@carillon/contracts'
import { workflow } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { offering } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

for (const store of STORES)
  describe(`nodes that publish, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    let mesh: TestMesh
    before(async () => {
      mesh = await startMesh(cleanup, { store })
    })

    test('a subscriber gets the message of a node, with its run; no stream takes the subject', async () => {
      const { client } = await offering(mesh, { noop: () => undefined })
      const nats = await mesh.nats()
      const messages = nats.subscribe('orders.shipped', { max: 1 })
      await client.workflows.put(
        workflow('order')
          .node('tell', { publish: { subject: 'orders.shipped', body: "{'id': payload.id}" } })
          .done(),
      )
      const run = await client.run('order', { id: 'A1' })
      assert.equal((await run.ended()).state, 'succeeded')
      for await (const message of messages) assert.deepEqual([message.json(), message.headers?.get(HEADERS.run)], [{ id: 'A1' }, run.id])
    })

    test('a workflow that fires itself stops after ten runs, and the last says which jobs fired one another (54)', async () => {
      const { client, namespace } = await offering(mesh, { noop: () => undefined })
      await client.workflows.put(
        workflow('loop')
          .node('again', { publish: { subject: `carillon.${namespace}.trigger.loop` } })
          .done(),
      )
      await client.run('loop', 1)
      const last = await eventually('the chain has ended', async () => {
        const { items } = await client.runs.list({ job: 'loop', limit: 50 })
        return items.find(({ reason }) => reason === 'chain-too-long')
      })
      assert.match(last.failure?.message ?? '', /11 jobs have fired one another in a row, 10 may: (loop → ){11}loop/)
      assert.equal((await client.runs.list({ job: 'loop', limit: 50 })).items.length, 12)
    })
  })
