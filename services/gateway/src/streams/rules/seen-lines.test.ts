import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeenLines } from './seen-lines.ts'

test('each line is new once, in whatever order lines come', () => {
  let state = 7
  const random = (below: number) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
  for (let round = 0; round < 200; round++) {
    const seen = new SeenLines()
    const known = new Set<number>()
    for (let i = 0; i < 100; i++) {
      const seq = random(60) - 5
      assert.equal(seen.add('a', seq), !known.has(seq), `${round} ${i} ${seq}`)
      known.add(seq)
      let settled = 0
      while (known.has(settled + 1)) settled++
      assert.equal(seen.settledUpTo('a'), settled)
    }
  }
})

test('attempts are apart, and the oldest are forgotten', () => {
  const seen = new SeenLines()
  assert.deepEqual([seen.add('a', 1), seen.add('b', 1), seen.add('a', 1)], [true, true, false])
  for (let i = 0; i < 10_000; i++) seen.add(`t${i}`, 1)
  assert.equal(seen.add('a', 1), true)
})
