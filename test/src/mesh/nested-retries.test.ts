import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Deferred, type RetryScope, retryScope, workflow } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const SOON = { type: 'fixed', delayMs: 1 } as const

/** Two services: `shop` calls, in tries of a function of its own, jobs of `bank`, whose handler calls a retryable function that fails. */
async function startServices(mesh: TestMesh) {
  const namespace = freshNamespace()
  const shop = await mesh.connect({ namespace, service: 'shop' })
  const bank = await mesh.connect({ namespace, service: 'bank' })
  const tries: (string | undefined)[] = []
  const pay = bank.retryable({ scene: 'pay', local: { attempts: 3, delayMs: 1 } }, (amount: number) => {
    const scope = retryScope()
    tries.push(scope && `${scope.scene}/${scope.attempt}`)
    throw new Error(`no ${amount}`)
  })
  bank.handle('charge', (ctx) => pay(ctx.payload as number))
  bank.handle('passes', (ctx) => ctx.run('charge', ctx.payload))
  await bank.start()
  return { namespace, shop, tries, client: shop.client }
}

for (const store of STORES)
  describe(`a retry never makes a retry: ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    let mesh: TestMesh
    before(async () => {
      mesh = await startMesh(cleanup, { store })
    })

    test('a run that is started in a try of another service leaves the retry to that, in tries of the caller and of the mesh', async () => {
      const { shop, tries, client } = await startServices(mesh)
      const runs: string[] = []
      const order = shop.retryable(
        { scene: 'order', local: { attempts: 2, delayMs: 1 }, attempts: 1, backoff: SOON, timeoutMs: 20_000, key: () => undefined },
        async (amount: number) => {
          const run = await shop.client.run('charge', amount)
          runs.push(run.id)
          await run.result()
        },
      )
      await shop.start()
      const { deferred } = (await order(5)) as Deferred
      assert.equal((await client.handleOf(deferred).ended()).state, 'failed')
      // Each failed at once, in a handler that was given the try of the other service.
      assert.deepEqual(tries, ['order/1', 'order/2', 'order/1'])
      assert.equal(runs.length, 3)
      for (const [i, mark] of tries.entries()) {
        const { state, withinRetry } = await client.runs.get(runs[i] as string)
        assert.deepEqual([state, withinRetry], ['failed', mark])
      }
      assert.deepEqual((await client.runs.list({ handler: 'pay' })).items, [])
    })

    test('so do child runs, and those of the nodes of a workflow', async () => {
      const { shop, tries, client } = await startServices(mesh)
      await client.workflows.put(
        workflow('flow')
          .node('a', { handler: 'passes', priority: 'high', onFailure: 'skip' })
          .node('b', { job: 'charge', after: 'a' })
          .done(),
      )
      const order = shop.retryable({ scene: 'order', strategy: 'local', local: { attempts: 1 } }, async () =>
        (await shop.client.run('flow', 1)).ended(),
      )
      assert.equal((await order()).state, 'failed')
      assert.deepEqual(tries, ['order/1', 'order/1'])
      assert.deepEqual((await client.runs.list({ handler: 'pay' })).items, [])
    })

    test('where the scope was lost on the way it is given by hand; outside of any, the inner function retries', async () => {
      const { shop, tries, client } = await startServices(mesh)
      let scope: RetryScope | undefined
      await shop.retryable({ scene: 'order' }, () => {
        scope = retryScope()
      })()
      await (await client.run('charge', 1, { retryScope: scope })).ended()
      assert.deepEqual(tries, ['order/1'])
      const plain = await client.run('charge', 2)
      assert.equal((await plain.ended()).state, 'succeeded')
      assert.deepEqual(tries.slice(1), ['pay/1', 'pay/2', 'pay/3'])
      assert.equal((await client.runs.get(plain.id)).withinRetry, undefined)
      const [retry] = await eventually('the mesh has the retry', async () => {
        const { items } = await client.runs.list({ handler: 'pay' })
        return items.length > 0 ? items : undefined
      })
      await client.runs.cancel(retry?.runId as string)
    })
  })
