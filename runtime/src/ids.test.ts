import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RUN_ID } from '@carillon/contracts'
import { derivedId, freshRunId } from '@carillon/wire/internal'
import { freshServiceId } from './ids.ts'

test('a derived id is the same for the same parts, for ever', () => {
  assert.equal(derivedId('s', 'default', 'report', 1_767_225_600_000), 'sa2d17nn46xpp9anjfgysnmm83')
  assert.match(derivedId('k', 'default', 'order-1'), RUN_ID)
  assert.equal(derivedId('k', 'default', 'order-1').length, 26)
})

test('other parts, or the same letters in other parts, are other ids', () => {
  const ids = [
    derivedId('k', 'ab', 'c'),
    derivedId('k', 'a', 'bc'),
    derivedId('k', 'abc'),
    derivedId('k', 'a', 'b', 'c'),
    derivedId('t', 'ab', 'c'),
    derivedId('s', 'a', 1),
    derivedId('s', 'a', '1'),
  ]
  assert.equal(new Set(ids).size, ids.length)
})

test('fresh ids differ, and sort', () => {
  const ids = Array.from({ length: 1_000 }, freshRunId)
  assert.deepEqual([...ids].sort(), ids)
  assert.equal(new Set(ids).size, 1_000)
  assert.notEqual(freshServiceId('coordinator'), freshServiceId('coordinator'))
})
