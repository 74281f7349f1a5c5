import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changedLines, readJson } from './json-input.ts'

test('typed JSON', () => {
  assert.deepEqual(readJson('{"a":1}'), { value: { a: 1 } })
  assert.deepEqual(readJson('  '), { value: undefined })
  assert.ok('problem' in readJson('{a:1}'))
})

test('changed lines', () => {
  assert.equal(changedLines('a\nb\nc', 'a\nb\nc'), 0)
  assert.equal(changedLines('a\nb\nc', 'a\nx\nc'), 1)
  assert.equal(changedLines('a\nc', 'a\nb\nb\nc'), 2)
})
