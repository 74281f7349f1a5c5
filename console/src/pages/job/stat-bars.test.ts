import assert from 'node:assert/strict'
import { test } from 'node:test'
import { barsOf } from './stat-bars.ts'

test('bars are scaled to the highest, and a single failure is to be seen', () => {
  const points = [
    { at: 'a', ended: 1_000, states: { succeeded: 999, failed: 1 } },
    { at: 'b', ended: 500, states: { succeeded: 500 } },
    { at: 'c', ended: 0, states: {} },
  ]
  const [first, second, third] = barsOf(points, { width: 300, height: 102 })
  assert.deepEqual([first?.x, second?.x, third?.x], [0, 100, 200])
  assert.equal(first?.bad, 2)
  assert.equal(second?.good, 50)
  assert.deepEqual([third?.good, third?.bad], [0, 0])
  assert.deepEqual(barsOf([], { width: 10, height: 10 }), [])
})
