import assert from 'node:assert/strict'
import { test } from 'node:test'
import { highestOf, sparkline } from './sparkline.ts'

test('the highest is the tallest, nothing is a gap, and several share a bar where there are more than columns', () => {
  assert.equal(sparkline([0, 1, 4, 8], 10), ' ▁▄█')
  assert.equal(sparkline([], 10), '')
  assert.equal(sparkline([0, 0], 10), '  ')
  assert.equal(sparkline([1, 1, 4, 0, 8], 3), '▂▄█')
  assert.equal(sparkline([1, 1, 4, 0, 8], 3, highestOf), '▁▄█')
})
