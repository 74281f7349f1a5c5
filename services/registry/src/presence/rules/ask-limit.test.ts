import assert from 'node:assert/strict'
import { it } from 'node:test'
import { AskLimit } from './ask-limit.ts'

it('lets each key through once a window, and only so many keys', () => {
  const limit = new AskLimit({ windowMs: 100, maxKeys: 2 })
  assert.equal(limit.allows('a', 1_000), true)
  assert.equal(limit.allows('a', 1_099), false)
  assert.equal(limit.allows('b', 1_099), true)
  assert.equal(limit.allows('c', 1_099), false)
  assert.equal(limit.allows('c', 1_100), true)
  assert.equal(limit.allows('a', 1_100), true)
})
