import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../testing/fake-clock.ts'
import { ConfirmedPublisher } from './confirmed-publisher.ts'
import type { Link } from './link.ts'

test('a publisher that was stopped keeps no message and no timer', () => {
  const clock = new FakeClock()
  const link = { onUp: () => () => undefined, isUp: false, forgetAnswer: () => undefined } as unknown as Link
  const publisher = new ConfirmedPublisher({ link, clock, onDelay: () => undefined })
  const publish = () => publisher.publish({ subject: 's', payload: '', onStored: () => undefined })
  publish()
  assert.deepEqual([publisher.size, clock.armed], [1, 1])
  publisher.stop()
  publish()
  assert.deepEqual([publisher.size, clock.armed], [0, 0])
})
