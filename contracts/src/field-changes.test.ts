import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldChanges } from './field-changes.ts'

test('what differs is named by its path, whatever the order of members', () => {
  assert.deepEqual(fieldChanges({ a: 1, b: { c: 2, d: [1, 2] }, e: 'x' }, { e: 'x', b: { d: [1, 3], c: 2 }, f: null }), [
    { field: 'b.d', from: [1, 2], to: [1, 3] },
    { field: 'f', from: undefined, to: null },
    { field: 'a', from: 1, to: undefined },
  ])
  assert.deepEqual(fieldChanges({ list: [{ a: 1, b: 2 }] }, { list: [{ b: 2, a: 1 }] }), [])
})

test('an empty object is a value, and an undefined field is absent', () => {
  assert.deepEqual(fieldChanges({ labels: {}, x: undefined }, { labels: { gpu: 'true' } }), [
    { field: 'labels.gpu', from: undefined, to: 'true' },
    { field: 'labels', from: {}, to: undefined },
  ])
  assert.deepEqual(fieldChanges({ ['__proto__']: 1 }, JSON.parse('{"__proto__":2}')).length, 1)
})
