import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseInput } from './fields.ts'
import { parseRetryMark, retryMark } from './retry.ts'
import { startRunSchema } from './run.ts'

test('a try of a retry is a scene and a number; anything else is refused by its field', () => {
  assert.deepEqual(parseRetryMark(retryMark('fetch-price', 2)), { scene: 'fetch-price', attempt: 2 })
  for (const text of ['', 'fetch-price', 'fetch-price/0', 'a b/1', 'a/1/2', '/1', 'a/1x', `${'x'.repeat(65)}/1`]) {
    assert.equal(parseRetryMark(text), undefined, text)
    assert.throws(() => parseInput(startRunSchema, { job: 'a', withinRetry: text }), {
      code: 'INVALID_REQUEST',
      message: /^withinRetry is wrong/,
    })
  }
})
