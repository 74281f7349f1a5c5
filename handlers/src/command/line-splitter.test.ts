import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineSplitter } from './line-splitter.ts'

function linesOf(...pieces: string[]): string[] {
  const lines: string[] = []
  const splitter = new LineSplitter((line) => lines.push(line))
  for (const piece of pieces) splitter.push(piece)
  splitter.end()
  return lines
}

test('lines end at \\n, \\r\\n and \\r, wherever the text is cut', () => {
  const text = 'one\ntwo\r\n\nthree\r40 %\r100 %\nlast'
  const expected = ['one', 'two', '', 'three', '40 %', '100 %', 'last']
  assert.deepEqual(linesOf(text), expected)
  for (let at = 1; at < text.length; at++) assert.deepEqual(linesOf(text.slice(0, at), text.slice(at)), expected, `cut at ${at}`)
  assert.deepEqual(linesOf(...text), expected)
  assert.deepEqual([linesOf(), linesOf('a\r'), linesOf('\n')], [[], ['a'], ['']])
})

test('what has no end is cut, and nothing is lost or kept', () => {
  const whole = 'x'.repeat(10_000)
  for (const pieces of [[whole], [whole.slice(0, 2_699), whole.slice(2_699)], [`${whole}\n`]]) {
    const lines = linesOf(...pieces)
    assert.deepEqual(
      lines.map(({ length }) => length),
      [2_700, 2_700, 2_700, 1_900],
    )
  }
  assert.deepEqual(linesOf('x'.repeat(2_700), '\n', 'y'), ['x'.repeat(2_700), 'y'])
})
