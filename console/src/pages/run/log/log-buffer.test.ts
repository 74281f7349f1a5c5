import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Line, LogBuffer } from './log-buffer.ts'

const line = (seq: number, more: Partial<Line> = {}): Line => ({
  at: new Date(1_700_000_000_000 + seq * 10).toISOString(),
  ...{ level: 'info', message: `line ${seq}`, taskId: 'run', attempt: 1, seq, instance: 'a' },
  ...more,
})
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_none, i) => line(from + i))
const seqs = (buffer: LogBuffer) => buffer.lines.map(({ seq }) => seq)

test('lines of the stream that are also in a page appear once, in their order', () => {
  const buffer = new LogBuffer()
  assert.equal(buffer.add(range(6, 10)), 5)
  assert.equal(buffer.add(range(1, 8)), 5)
  assert.equal(buffer.add(range(1, 10)), 0)
  assert.deepEqual(seqs(buffer), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
})

test('lines with the same time keep the order of their attempt', () => {
  const buffer = new LogBuffer()
  const at = '2026-01-01T00:00:00.000Z'
  buffer.add([line(3, { at }), line(1, { at })])
  buffer.add([line(2, { at })])
  assert.deepEqual(seqs(buffer), [1, 2, 3])
})

test('two tasks are mixed by time, and errors are counted', () => {
  const buffer = new LogBuffer()
  buffer.add([line(1), line(3)])
  buffer.add([line(2, { taskId: 'other', level: 'error' })])
  assert.deepEqual(
    buffer.lines.map(({ taskId, seq }) => `${taskId} ${seq}`),
    ['run 1', 'other 2', 'run 3'],
  )
  assert.equal(buffer.errors, 1)
})

test('100,000 lines in messages of 100 are taken within a second, and the oldest of too many are let go', () => {
  const buffer = new LogBuffer()
  const started = process.hrtime.bigint()
  for (let i = 0; i < 1_000; i++) buffer.add(range(i * 100 + 1, i * 100 + 100))
  assert.equal(buffer.lines.length, 100_000)
  assert.ok(process.hrtime.bigint() - started < 5_000_000_000n)
  for (let i = 1_000; i < 2_100; i++) buffer.add(range(i * 100 + 1, i * 100 + 100))
  assert.ok(buffer.lines.length <= 200_000)
  assert.equal(buffer.lines.length + buffer.dropped, 210_000)
  assert.equal(buffer.lines.at(-1)?.seq, 210_000)
})
