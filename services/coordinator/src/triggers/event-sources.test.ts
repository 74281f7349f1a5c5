import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBrokerOf } from '@carillon/runtime/testing'
import { CAPTURED, EVENT_CONSUMER, EventSources } from './event-sources.ts'

test('subjects are read where a stream takes them already, and else taken by a stream of our own', async (t) => {
  const broker = await startBrokerOf(t)
  const { streams, consumers } = broker.manager
  await streams.add({ name: 'ORDERS', subjects: ['orders.>'] })
  await streams.add({ name: 'QUEUE', subjects: ['queue.>'], retention: 'workqueue' })
  await streams.add({ name: 'PART', subjects: ['part.one'] })
  const sources = new EventSources({ broker, streamReplicas: 1 })
  const filtersOf = async (stream: string) => (await consumers.info(stream, EVENT_CONSUMER)).config.filter_subjects
  await broker.manager.jetstream().publish('orders.created', '1')
  const { streams: read } = await sources.reconcile(['orders.created', 'bills.a', 'bills.*'], { keeps: true })
  assert.deepEqual(read, [CAPTURED, 'ORDERS'])
  assert.deepEqual([await filtersOf('ORDERS'), await filtersOf(CAPTURED)], [['orders.created'], ['bills.*']])
  await broker.manager.jetstream().publish('orders.created', '2')
  await broker.manager.jetstream().publish('bills.a', '3')
  assert.equal((await consumers.info('ORDERS', EVENT_CONSUMER)).num_pending, 1, 'what was there before is no event')
  assert.equal((await consumers.info(CAPTURED, EVENT_CONSUMER)).num_pending, 1)
  // Another job is put: what others have stays.
  await sources.reconcile(['bills.b.>'], { keeps: true })
  assert.deepEqual([...((await filtersOf(CAPTURED)) ?? [])].sort(), ['bills.*', 'bills.b.>'])
  for (const subject of ['queue.x', 'part.>']) {
    const { refused } = await sources.reconcile([subject, 'bills.c.d'], { keeps: true })
    assert.deepEqual(
      [...refused].map(([of, { code }]) => [of, code]),
      [[subject, 'INVALID_REQUEST']],
    )
    assert.ok((await filtersOf(CAPTURED))?.includes('bills.c.d'), 'it does not affect the others')
  }
  // An operator has changed a stream: what was read there keeps its place, however often it is looked at.
  await streams.update('ORDERS', { subjects: ['orders.other'] })
  for (let i = 0; i < 3; i++) {
    const { refused } = await sources.reconcile(['orders.*', 'bills.*', 'bills.b.>', 'bills.c.d'], { keeps: false })
    assert.deepEqual([...refused.keys()], ['orders.*'])
  }
  assert.deepEqual(await filtersOf('ORDERS'), ['orders.created'])
  // No job needs them any more: removed a round later.
  await sources.reconcile(['bills.*'], { keeps: false })
  assert.equal((await filtersOf(CAPTURED))?.length, 3)
  await sources.reconcile(['bills.*'], { keeps: false })
  assert.deepEqual([await filtersOf(CAPTURED), (await streams.info(CAPTURED)).config.subjects], [['bills.*'], ['bills.*']])
  await assert.rejects(consumers.info('ORDERS', EVENT_CONSUMER))
  for (let i = 0; i < 2; i++) assert.deepEqual((await sources.reconcile([], { keeps: false })).streams, [])
  await assert.rejects(streams.info(CAPTURED))
})

test('a broker with little room takes events, too', async (t) => {
  const broker = await startBrokerOf(t, { maxFileStore: '100MiB' })
  const sources = new EventSources({ broker, streamReplicas: 1 })
  const { streams } = await sources.reconcile(['bills.a'], { keeps: true })
  assert.deepEqual(streams, [CAPTURED])
  assert.equal((await broker.manager.streams.info(CAPTURED)).config.max_bytes, 64 * 1024 * 1024)
})
