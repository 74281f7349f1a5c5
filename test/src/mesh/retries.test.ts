import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Deferred } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { freshNamespace, startMesh } from '../support/mesh.ts'
import { fork, messageOf } from '../support/processes.ts'
import { STORES } from '../support/stores.ts'

const MAIN = fileURLToPath(new URL('../support/retrying-main.js', import.meta.url))

/** A mesh, and a service with one retryable function that fails while the bank is down. */
async function startShop(context: TestContext, store: (typeof STORES)[number]) {
  const cleanup = new Cleanup(context)
  const mesh = await startMesh(cleanup, { store })
  const folder = mkdtempSync(join(tmpdir(), 'shop-'))
  cleanup.add('folder', () => rmSync(folder, { recursive: true, force: true }))
  const [outbox, down, ledger] = [join(folder, 'outbox'), join(folder, 'down'), join(folder, 'ledger')]
  const namespace = freshNamespace()
  const { client } = await mesh.connect({ namespace })
  const start = async () => {
    const shop = fork(cleanup, MAIN, { URL: mesh.broker.url, NAMESPACE: namespace, OUTBOX: outbox, DOWN: down, LEDGER: ledger })
    await messageOf(shop)
    const answers = new Map<number, Deferred | number>()
    shop.child.on('message', (message) => {
      const { order, answer } = message as { order: number; answer: Deferred | number }
      answers.set(order, answer)
    })
    const pay = async (orders: readonly number[]) => {
      for (const order of orders) {
        answers.delete(order)
        shop.child.send(order)
      }
      await eventually('all calls are answered', () => orders.every((order) => answers.has(order)))
      return orders.map((order) => answers.get(order) as Deferred)
    }
    return { pay, kill9: () => shop.kill9() }
  }
  const paid = () => (existsSync(ledger) ? readFileSync(ledger, 'utf8').trim().split('\n').map(Number) : [])
  const kept = () => readdirSync(join(outbox, namespace)).filter((name) => name.endsWith('.outbox'))
  return { mesh, client, start, paid, kept, fails: () => writeFileSync(down, ''), works: () => rmSync(down) }
}
const inOrder = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)
const ORDERS = Array.from({ length: 40 }, (_, i) => i)

describe('retryable functions', { concurrency: 2 }, () => {
  for (const store of STORES) {
    test(`calls that fail are done by the mesh, once each, also when their process dies: ${store.name}`, {
      skip: store.skip,
    }, async (context) => {
      const { client, start, paid, fails, works } = await startShop(context, store)
      const shop = await start()
      fails()
      const first = await shop.pay(ORDERS)
      assert.ok(first.every(({ keptIn, duplicateOf }) => keptIn === 'mesh' && duplicateOf === undefined))
      await shop.kill9()
      works()
      const next = await start()
      for (const { deferred } of first) await client.handleOf(deferred).result({ timeoutMs: 30_000 })
      assert.deepEqual(inOrder(paid()), ORDERS)
      fails()
      const [again] = await next.pay([7])
      assert.deepEqual([again?.duplicateOf, again?.state], [first[7]?.deferred, 'succeeded'])
      const { items } = await client.runs.list({ handler: 'paid', limit: 100 })
      assert.equal(items.length, ORDERS.length)
    })

    test(`calls that fail while the broker is down are lost by no kill -9, and are done once when it is back: ${store.name}`, {
      skip: store.skip,
    }, async (context) => {
      const { mesh, client, start, paid, kept, fails, works } = await startShop(context, store)
      const shop = await start()
      fails()
      await mesh.broker.kill9()
      const deferred = await shop.pay(ORDERS)
      assert.ok(deferred.every(({ keptIn }) => keptIn === 'outbox'))
      await shop.kill9()
      assert.equal(kept().length, 1)
      await mesh.broker.start()
      works()
      await start()
      await eventually('the file is sent and removed', () => kept().length === 0)
      // The ids that were answered without the mesh are those of the runs.
      for (const { deferred: id } of deferred) await client.handleOf(id).result({ timeoutMs: 30_000 })
      assert.deepEqual(inOrder(paid()), ORDERS)
    })

    test(`a process that is killed while it sends what it has kept: another one sends the rest, and each is one run: ${store.name}`, {
      skip: store.skip,
    }, async (context) => {
      const { mesh, client, start, paid, kept, fails, works } = await startShop(context, store)
      const many = Array.from({ length: 300 }, (_, i) => i)
      let shop = await start()
      fails()
      await mesh.broker.kill9()
      const deferred = await shop.pay(many)
      await mesh.broker.start()
      // Each of these is killed as soon as the mesh has some of what it sends.
      for (const place of [0, 40, 160]) {
        await eventually('the mesh has some', () =>
          client.runs.get(deferred[place]?.deferred ?? '').then(
            () => true,
            () => false,
          ),
        )
        await shop.kill9()
        shop = await start()
      }
      works()
      await eventually('the file is sent and removed', () => kept().length === 0)
      for (const { deferred: id } of deferred) await client.handleOf(id).result({ timeoutMs: 30_000 })
      assert.deepEqual(inOrder(paid()), many)
    })

    test(`a process that lives sends what it has kept itself, when the broker is back: ${store.name}`, {
      skip: store.skip,
    }, async (context) => {
      const { mesh, client, start, paid, fails, works } = await startShop(context, store)
      const shop = await start()
      fails()
      await mesh.broker.kill9()
      const [kept] = await shop.pay([1])
      const [twice] = await shop.pay([1])
      assert.equal(kept?.deferred, twice?.deferred)
      works()
      await mesh.broker.start()
      const id = kept?.deferred ?? ''
      await eventually('the mesh has it', () =>
        client.runs.get(id).then(
          () => true,
          () => false,
        ),
      )
      assert.equal(await client.handleOf(id).result({ timeoutMs: 30_000 }), 1)
      assert.deepEqual(paid(), [1])
    })
  }
})
