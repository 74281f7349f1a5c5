import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Msg } from '@nats-io/transport-node'
import { isSameMessage, readDelivery, readWork } from './work.ts'

const message = (body: unknown) => ({ json: () => (typeof body === 'string' ? JSON.parse(body) : body) }) as unknown as Msg

test('count and sequence of a delivery are read from both forms of acknowledgement subjects', () => {
  const read = (subject: string) => Object.values(readDelivery(subject))
  assert.deepEqual(read('$JS.ACK.WORK.default~x.1.15.16.1700000000.3'), [1, 15])
  assert.deepEqual(read('$JS.ACK.WORK.default~x.12.15.16.1700000000.3'), [12, 15])
  assert.deepEqual(read('$JS.ACK.hub.ACCOUNTHASH.WORK.default~x.7.15.16.1700000000.3.random'), [7, 15])
  assert.deepEqual(read('$JS.ACK._.ACCOUNTHASH.WORK.default~x.7.15.16.1700000000.3'), [7, 15])
})

test('a message is the same however often it is delivered; one that was stored at another time, or elsewhere, is another', () => {
  const first = '$JS.ACK.WORK.default~x.1.15.16.1700000000.3'
  assert.equal(isSameMessage(first, '$JS.ACK.WORK.default~x.2.15.40.1700000000.9'), true)
  assert.equal(isSameMessage(first, '$JS.ACK._.ACCOUNTHASH.WORK.default~x.1.15.16.1700000000.3.random'), true)
  assert.equal(isSameMessage(first, '$JS.ACK.WORK.default~x.1.15.16.1700000001.3'), false)
  assert.equal(isSameMessage(first, '$JS.ACK.WORK.default~x.1.17.16.1700000000.3'), false)
})

test('a work message is checked for what the executor relies on', () => {
  const good = { runId: 'r', taskId: 't', handler: 'h', attempt: 1, payload: null }
  assert.equal(readWork(message(good)).taskId, 't')
  const bad = ['{', null, 5, [], {}, ...['a.b', '', '__proto__', 7].map((taskId) => ({ ...good, taskId }))]
  const worse = [...[0, 1.5, '1'].map((attempt) => ({ ...good, attempt })), { ...good, timeoutMs: -1 }, { ...good, handler: '*' }]
  for (const body of [...bad, ...worse]) assert.throws(() => readWork(message(body)), { name: 'CarillonError' })
})
