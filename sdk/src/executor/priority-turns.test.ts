import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Priority } from '@carillon/contracts'
import { PriorityTurns } from './priority-turns.ts'

const counts = (shares: ReadonlyMap<Priority, number>) => [shares.get('high'), shares.get('normal'), shares.get('low')]

test('slots are shared 6 : 3 : 1, also one at a time', () => {
  const all = new Set<Priority>(['high', 'normal', 'low'])
  assert.deepEqual(counts(new PriorityTurns().share(1_000, all)), [600, 300, 100])
  const turns = new PriorityTurns()
  const sums = [0, 0, 0]
  for (let i = 0; i < 100; i++) for (const [k, n] of counts(turns.share(1, all)).entries()) sums[k] = (sums[k] as number) + (n ?? 0)
  assert.deepEqual(sums, [60, 30, 10])
})

test('who has no work is passed over', () => {
  const turns = new PriorityTurns()
  assert.deepEqual(counts(turns.share(40, new Set<Priority>(['normal', 'low']))), [0, 30, 10])
  assert.deepEqual(counts(turns.share(7, new Set<Priority>(['low']))), [0, 0, 7])
})
