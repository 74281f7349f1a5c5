import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LogView } from '@carillon/contracts'
import { LogMerger } from './log-merger.ts'

const line = (seq: number, attempt = 1): LogView => ({
  runId: 'r',
  taskId: 'r',
  attempt,
  instance: 'i',
  seq,
  at: '2030-01-01T00:00:00.000Z',
  level: 'info',
  message: `line ${seq}`,
})
const numbers = (lines: LogView[]) => lines.map(({ seq }) => seq)

describe('stored and live lines together', () => {
  it('shows each line once, whichever way it came first', () => {
    const merger = new LogMerger()
    assert.deepEqual(numbers([1, 2].flatMap((seq) => merger.stored(line(seq)))), [1, 2])
    assert.deepEqual(numbers([1, 2, 3].flatMap((seq) => merger.heard(line(seq)))), [3])
    assert.deepEqual(numbers([1, 2, 3, 4].flatMap((seq) => merger.stored(line(seq)))), [4])
  })

  it('holds a live line until what is missing before it has been read', () => {
    const merger = new LogMerger()
    assert.deepEqual(numbers(merger.heard(line(1))), [1])
    assert.deepEqual(numbers(merger.heard(line(4))), [])
    assert.deepEqual(numbers(merger.heard(line(3))), [])
    assert.equal(merger.hasGap, true)
    assert.deepEqual(numbers(merger.stored(line(2))), [2, 3, 4])
    assert.equal(merger.hasGap, false)
  })

  it('takes what the logger has lost as lost', () => {
    const merger = new LogMerger()
    assert.deepEqual(numbers([5, 6].flatMap((seq) => merger.stored(line(seq)))), [5, 6])
    assert.deepEqual(numbers(merger.heard(line(7))), [7])
  })

  it('gives out what it holds in order and counts what is missing', () => {
    const merger = new LogMerger()
    for (const seq of [7, 5, 4]) merger.heard(line(seq))
    const { lines, missing } = merger.release()
    assert.deepEqual([numbers(lines), missing], [[4, 5, 7], 4])
    assert.deepEqual(numbers(merger.heard(line(8))), [8])
    assert.deepEqual(merger.release(), { lines: [], missing: 0 })
  })

  it('counts each attempt from one', () => {
    const merger = new LogMerger()
    const lines = [line(1), line(2), line(1, 2), line(2, 2)].flatMap((one) => merger.heard(one))
    assert.deepEqual(numbers(lines), [1, 2, 1, 2])
  })
})
