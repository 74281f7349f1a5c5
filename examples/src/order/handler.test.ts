/** Everything that may happen to an order, in milliseconds: `node --test examples/dist/order/`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testMesh } from '@carillon/sdk/testing'
import { order } from './definition.ts'
import { carryOut, type World } from './handler.ts'

/** A world that writes down what is asked of it, and a mesh in which orders are carried out. */
function orders(more: Partial<World> = {}) {
  const asked: string[] = []
  const mesh = testMesh({ now: new Date('2026-06-01T08:00:00Z') })
  const world: World = {
    async charge(_key, cents) {
      asked.push(`charge ${cents}`)
      return { receipt: 'r-1', at: new Date(mesh.clock.now()) }
    },
    async send(_key, item) {
      asked.push(`send ${item}`)
    },
    ...more,
  }
  mesh.handle(order, carryOut(world))
  return { mesh, asked }
}

test('an order is charged and sent', async () => {
  const { mesh, asked } = orders()
  const run = await mesh.run(order, { item: 'book', cents: 900 })
  assert.deepEqual(run.result, { receipt: 'r-1', chargedAt: '2026-06-01T08:00:00.000Z' })
  assert.deepEqual(asked, ['charge 900', 'send book'])
  assert.deepEqual([run.logs[0]?.message, run.progress], ['charged', [{ percent: 50, note: 'charged' }]])
})

test('it is sent when it is to be sent, and no process waits for that', async () => {
  const { mesh, asked } = orders()
  const run = await mesh.start(order, { item: 'book', cents: 900, sendAt: '2026-06-08T08:00:00Z' })
  assert.deepEqual([run.state, run.reason], ['delayed', 'sleep'])
  await mesh.clock.advance(7 * 24 * 3_600_000 - 1)
  assert.deepEqual(asked, ['charge 900'])
  await mesh.clock.advance(1)
  assert.deepEqual([run.state, asked], ['succeeded', ['charge 900', 'send book']])
})

test('a process that crashes after the charge was stored charges once', async () => {
  const { mesh, asked } = orders()
  mesh.crashAfterStep('charge')
  const run = await mesh.run(order, { item: 'book', cents: 900 })
  assert.equal(run.state, 'succeeded')
  assert.deepEqual(asked, ['charge 900', 'send book'])
})

test('one that crashes before that charges again, under the same key', async () => {
  const keys: string[] = []
  const { mesh } = orders({
    charge: async (key) => {
      keys.push(key)
      return { receipt: 'r-1', at: new Date(0) }
    },
  })
  mesh.crashBeforeStored('charge')
  const run = await mesh.run(order, { item: 'book', cents: 900 })
  assert.deepEqual([run.state, keys], ['succeeded', [run.id, run.id]])
})

test('a charge that fails is tried again after its pause; an order that nobody can mean is not', async () => {
  let tries = 0
  const { mesh } = orders({
    charge: async () => {
      if (++tries === 1) throw new Error('the bank is busy')
      return { receipt: 'r-2', at: new Date(0) }
    },
  })
  const began = mesh.clock.now()
  assert.equal((await mesh.run(order, { item: 'book', cents: 900 })).result.receipt, 'r-2')
  assert.equal(mesh.clock.now() - began >= 5_000, true)
  const refused = await mesh.run(order, { item: 'book', cents: 2_000_000 })
  assert.deepEqual([refused.state, refused.reason, refused.attempt], ['failed', 'non-retryable', 1])
})
