import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { schemaConflicts } from './schema-conflicts.ts'

const [text, number] = [{ type: 'string', title: 'a' }, { type: 'number' }]
const offer = (service: string, inputSchema?: Record<string, unknown>) => ({
  service,
  handlers: [{ name: 'pay', ...(inputSchema ? { inputSchema } : {}) }, { name: 'ship' }],
})
const found = (...offers: ReturnType<typeof offer>[]) => Object.fromEntries(schemaConflicts(offers, isDeepStrictEqual))

test('services that offer one handler with different schemas are in conflict', () => {
  assert.deepEqual(found(offer('shop', text), offer('billing', number), offer('crm')), { pay: ['billing', 'shop'] })
  assert.deepEqual(
    found(offer('shop', text), offer('billing', { title: 'a', type: 'string' })),
    {},
    'the order of its keys is no difference',
  )
  assert.deepEqual(found(offer('shop', text), offer('shop', number)), {}, 'a service that is being rolled out')
  assert.deepEqual(found(offer('shop', text), offer('billing')), {}, 'no schema says nothing')
  assert.deepEqual(found(), {})
})
