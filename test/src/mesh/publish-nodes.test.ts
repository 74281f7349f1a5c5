import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { HEADERS, type JobInput } from '@carillon/contracts'
import { type Client, workflow } from '@carillon/sdk'
import { eventually, REQUEST_DEADLINE } from '@carillon/wire/testing'
import { DiscardPolicy, jetstreamManager } from '@nats-io/jetstream'
import { Cleanup } from '../support/cleanup.ts'
import { offering } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

async function nodeOf(client: Client, runId: string) {
  const { nodes = [] } = await client.runs.tree(runId)
  return nodes.find(({ id }) => id === 'tell') ?? assert.fail('there is no such node')
}

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

    test('where a stream takes the subject, it has the message once, under the id of the task; what it refuses is published when it has room', async () => {
      const { client } = await offering(mesh, { give: () => ({ bill: 7 }) })
      const { streams } = await jetstreamManager(await mesh.nats(), REQUEST_DEADLINE)
      const config = { name: 'BILLS', subjects: ['bills.>'], discard: DiscardPolicy.New }
      await streams.add({ ...config, max_msgs: 1 })
      await client.workflows.put(
        workflow('bill')
          .node('a', { handler: 'give' })
          .node('tell', { publish: { subject: 'bills.sent', body: 'nodes.a.result' }, after: 'a' })
          .done(),
      )
      const first = await client.run('bill', 1)
      assert.equal((await first.ended()).state, 'succeeded')
      const second = await client.run('bill', 2)
      await eventually('the stream is full', async () => (await nodeOf(client, second.id)).state === 'delayed' || undefined)
      await streams.update('BILLS', { ...config, max_msgs: 10 })
      assert.equal((await second.ended()).state, 'succeeded')
      assert.equal((await streams.info('BILLS')).state.messages, 2)
      for (const [i, { id }] of [first, second].entries()) {
        const message = await streams.getMessage('BILLS', { seq: i + 1 })
        const { taskId } = await nodeOf(client, id)
        assert.deepEqual([message?.json(), message?.header.get('Nats-Msg-Id'), message?.header.get(HEADERS.run)], [{ bill: 7 }, taskId, id])
      }
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

    for (const [how, job] of [
      ['a node', { workflow: { nodes: [{ id: 'go', job: 'inner' }] } }],
      ['ctx.run', { handler: 'starts' }],
    ] as const)
      test(`so does one that fires itself by a child run which ${how} has started`, async () => {
        const { client, namespace } = await offering(mesh, { starts: (ctx) => ctx.run('inner', 1) })
        await client.workflows.put(
          workflow('inner')
            .node('again', { publish: { subject: `carillon.${namespace}.trigger.outer` } })
            .done(),
        )
        await client.jobs.put({ name: 'outer', ...job } as JobInput)
        await client.run('outer', 1)
        const last = await eventually('the chain has ended', async () => {
          const { items } = await client.runs.list({ job: 'outer', limit: 50 })
          return items.find(({ reason }) => reason === 'chain-too-long')
        })
        assert.match(last.failure?.message ?? '', /11 jobs have fired one another in a row, 10 may: (outer\/inner → ){11}outer/)
        assert.equal((await client.runs.list({ job: 'outer', limit: 50 })).items.length, 12)
      })
  })
