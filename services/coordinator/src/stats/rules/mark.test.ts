import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasLost, isSettled, type Mark, markOf, markRecord, owedMark } from './mark.ts'

const mark: Mark = { stream: 7, upTo: 10, at: 100, revision: 3, made: 5, storedAt: 'a', since: 0, isOwed: false }

test('a stream has lost events when it was made again, is shorter, has another message at the mark, or dropped some that were not counted', () => {
  const of = (...[stream, first, last, storedAt]: [number, number, number, string?]) => hasLost(mark, { stream, first, last }, storedAt)
  assert.ok(!of(5, 1, 10, 'a'))
  assert.ok(!of(5, 11, 30), 'what was counted is too old to be kept')
  assert.ok(of(6, 1, 10, 'a'))
  assert.ok(of(5, 1, 9, 'a'))
  assert.ok(of(5, 1, 30, 'b'))
  assert.ok(of(5, 12, 30))
})

test('sequences of a stream that has lost events are not those of before; its runs are counted once all of them are stored', () => {
  const owed = owedMark(mark, { stream: 5, first: 1, last: 4 }, { now: 1_000, storedAt: 'c' })
  assert.deepEqual(owed, { ...mark, stream: 8, upTo: 4, storedAt: 'c', since: 6_000, isOwed: true })
  assert.equal(owedMark(mark, { stream: 900, first: 0, last: 0 }, { now: 1_000, storedAt: undefined }).stream, 900)
  assert.deepEqual([isSettled(owed, 65_999), isSettled(owed, 66_000)], [false, true])
  assert.deepEqual(markOf(markRecord(owed)), owed)
})
