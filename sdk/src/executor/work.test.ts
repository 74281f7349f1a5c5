import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Msg } from '@nats-io/transport-node'
import { deliveryCount, readWork } from './work.ts'

const message = (body: unknown) => ({ json: () => (typeof body === 'string' ? JSON.parse(body) : body) }) as unknown as Msg

test('the delivery count is read from both forms of acknowledgement subjects', () => {
  assert.equal(deliveryCount('$JS.ACK.WORK.default~x.1.15.16.1700000000.3'), 1)
  assert.equal(deliveryCount('$JS.ACK.WORK.default~x.12.15.16.1700000000.3'), 12)
  assert.equal(deliveryCount('$JS.ACK.hub.ACCOUNTHASH.WORK.default~x.7.15.16.1700000000.3.random'), 7)
  assert.equal(deliveryCount('$JS.ACK._.ACCOUNTHASH.WORK.default~x.7.15.16.1700000000.3'), 7)
})

test('a work message is checked for what the executor relies on', () => {
  const good = { runId: 'r', taskId: 't', handler: 'h', attempt: 1, payload: null }
  assert.equal(readWork(message(good)).taskId, 't')
  const bad = ['{', null, 5, [], {}, ...['a.b', '', '__proto__', 7].map((taskId) => ({ ...good, taskId }))]
  const worse = [...[0, 1.5, '1'].map((attempt) => ({ ...good, attempt })), { ...good, timeoutMs: -1 }, { ...good, handler: '*' }]
  for (const body of [...bad, ...worse]) assert.throws(() => readWork(message(body)), { name: 'CarillonError' })
})
