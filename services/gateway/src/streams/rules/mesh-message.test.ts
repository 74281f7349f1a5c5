import assert from 'node:assert/strict'
import { test } from 'node:test'
import { meshMessage } from './mesh-message.ts'

const read = (subject: string, body: object) => meshMessage(`carillon.shop.${subject}`, Buffer.from(JSON.stringify(body)))

test('what needs the right to see payloads is hidden at any depth, as in the answers of calls', () => {
  const workflow = { nodes: [{ id: 'a', handler: 'charge', payload: { card: '4111' } }] }
  const message = read('event.job.order.changed', { name: 'order', payload: 1, workflow })
  assert.deepEqual(message?.redacted, {
    name: 'order',
    workflow: { nodes: [{ id: 'a', handler: 'charge', hidden: true }] },
    hidden: true,
  })
  const letter = read('event.deadLetter.r1.created', {
    id: 'r1',
    scene: 'charge',
    failed: [{ message: '4111' }],
    failure: { message: '4111' },
  })
  assert.deepEqual(letter?.redacted, { id: 'r1', scene: 'charge', hidden: true })
})

test('a message without payloads is encoded once for all readers', () => {
  const message = read('event.instance.i-1.lost', { instance: 'i-1', labels: { zone: 'a' } })
  assert.ok(message)
  assert.equal(message.redacted, undefined)
})
