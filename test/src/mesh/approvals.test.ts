import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { workflow } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { offering, refusal } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const order = workflow('order')
  .node('reserve', { handler: 'reserve' })
  .node('paid', { wait: { signal: 'paid', timeoutMs: 60_000 }, after: 'reserve' })
  .node('approve', { wait: { approval: { by: ['operator'] } }, after: 'paid' })
  .node('ship', { handler: 'ship', after: 'approve', payload: "{'ref': nodes.paid.result.ref, 'by': nodes.approve.result.by}" })
  .done()

for (const store of STORES)
  describe(`signals and approvals in workflows, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    let mesh: TestMesh
    before(async () => {
      mesh = await startMesh(cleanup, { store, coordinators: 2 })
    })

    test('an order waits for its payment and for an approval, and nothing before them runs again (40)', async () => {
      const calls = { reserve: 0, ship: 0 }
      const { client } = await offering(mesh, {
        reserve: () => void calls.reserve++,
        ship: (ctx) => {
          calls.ship++
          return ctx.payload
        },
      })
      await client.workflows.put(order)
      const run = await client.run('order')
      // Before it waits.
      await run.signal('paid', { ref: 'A1' })
      await eventually('it waits for the approval', async () => (await client.runs.tree(run.id)).nodes?.[2]?.awaits !== undefined)
      const [, paid, approve] = (await client.runs.tree(run.id)).nodes ?? []
      assert.deepEqual([paid?.state, approve?.state, approve?.awaits], ['succeeded', 'delayed', { approval: ['operator'] }])
      const answers = await Promise.all([client.runs.approve(run.id, 'approve', { note: 'ok' }), client.runs.approve(run.id, 'approve')])
      assert.deepEqual(answers.map(({ already }) => already).sort(), [false, true])
      assert.equal((await refusal(client.runs.reject(run.id, 'approve'))).code, 'DECIDED_OTHERWISE')
      await run.result()
      assert.deepEqual(calls, { reserve: 1, ship: 1 })
      const ship = (await client.runs.tasks(run.id)).items.find(({ task }) => task === 'ship')
      assert.deepEqual(ship?.result, { ref: 'A1', by: answers[0].by })
    })
  })
