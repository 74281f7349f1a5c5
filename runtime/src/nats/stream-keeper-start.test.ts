import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { systemClock } from '@carillon/wire/internal'
import { errors } from '@nats-io/transport-node'
import { exerciseService, FakeClock, startBrokerOf } from '../testing/index.ts'
import { keptStream, type StreamCapacity, StreamKeeper } from './stream-keeper.ts'

test('a start waits for a broker that does not answer yet', async (t) => {
  const broker = await startBrokerOf(t)
  const real = keptStream(broker, 'EVENTS', { replicas: 1 })
  const failures = [new errors.TimeoutError(), new CarillonError('NATS_UNAVAILABLE', 'no answer')]
  const ensure = (room: StreamCapacity) => {
    const failure = failures.shift()
    return failure ? Promise.reject(failure) : real.ensure(room)
  }
  const keeper = new StreamKeeper({ broker, kept: [{ ...real, ensure }], clock: systemClock, log: broker.log })
  broker.after(() => keeper.stop())
  await keeper.start()
  await broker.manager.streams.info('EVENTS')
  assert.ok(keeper.check().ok)
})

test('a keeper keeps the contract of services', async (t) => {
  const broker = await startBrokerOf(t)
  const clock = new FakeClock()
  const keeper = new StreamKeeper({ broker, kept: [keptStream(broker, 'EVENTS', { replicas: 1 })], clock, log: broker.log })
  await exerciseService(keeper, { isActive: () => clock.armed > 0 })
})
