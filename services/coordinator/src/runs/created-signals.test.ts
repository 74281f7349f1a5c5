import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { FakeClock, startTestBroker, type TestBroker } from '@carillon/runtime/testing'
import { aRun } from '@carillon/store/testing'
import { CreatedSignals } from './created-signals.ts'

let broker: TestBroker
before(async () => {
  broker = await startTestBroker([])
})
after(() => broker.stop())

const runs = (count: number, namespace: string) => Array.from({ length: count }, (_, i) => aRun(i, { namespace }))

test('many signals without a subscriber are left out for a moment, few never, and other namespaces are not concerned', async () => {
  const { connection } = broker.broker
  const clock = new FakeClock()
  const signals = new CreatedSignals({ connection, clock })
  const heard: string[] = []
  signals.publish(runs(100, 'shop'))
  // The broker has answered before it has this.
  await connection.flush()
  const subscription = connection.subscribe('carillon.*.live.run.*.created', {
    callback: (_error, { subject }) => void heard.push(subject.split('.')[1] as string),
  })
  await connection.flush()
  /** How many were heard, of which namespace. */
  const counts = async () => {
    await connection.flush()
    const names = heard.splice(0)
    return Object.fromEntries(['shop', 'other'].map((name) => [name, names.filter((one) => one === name).length]))
  }
  signals.publish([...runs(50, 'shop'), ...runs(50, 'other')])
  assert.deepEqual(await counts(), { shop: 0, other: 50 })
  signals.publish(runs(15, 'shop'))
  assert.deepEqual(await counts(), { shop: 15, other: 0 })
  await clock.advance(100)
  signals.publish(runs(50, 'shop'))
  assert.deepEqual(await counts(), { shop: 50, other: 0 })
  // There is a subscriber, so nothing is left out later either.
  signals.publish(runs(50, 'shop'))
  assert.deepEqual(await counts(), { shop: 50, other: 0 })
  subscription.unsubscribe()
  await connection.flush()
  signals.publish(runs(16, 'shop'))
  await connection.flush()
  const late = connection.subscribe('carillon.shop.live.>', { callback: (_error, { subject }) => void heard.push(subject) })
  await connection.flush()
  signals.publish(runs(16, 'shop'))
  assert.deepEqual(await counts(), { shop: 0, other: 0 })
  late.unsubscribe()
})
