import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COLLAPSED_ABOVE, DOWNLOAD_ABOVE, jsonPieces, jsonText, sizeText, viewOf } from './json-text.ts'

test('the pieces are the text, sign by sign', () => {
  const value = { 'a "b"': [1, -2.5e-9, true, null, 'x: "y"', '<img onerror=alert(1)>'], 数: {}, n: 9007199254740991 }
  const text = jsonText(value)
  const pieces = jsonPieces(text)
  assert.equal(pieces.map((piece) => piece.text).join(''), text)
  assert.deepEqual(
    pieces.filter(({ kind }) => kind === 'key').map((piece) => piece.text),
    ['"a \\"b\\"":', '"数":', '"n":'],
  )
  assert.ok(pieces.some(({ kind, text: one }) => kind === 'number' && one === '9007199254740991'))
})

test('a large text is cut at first, and a very large one can only be downloaded', () => {
  assert.deepEqual(viewOf('x'.repeat(COLLAPSED_ABOVE)).isCut, false)
  const large = viewOf('x'.repeat(COLLAPSED_ABOVE + 1))
  assert.deepEqual([large.isCut, large.mayShowAll, large.shown.length < 10_000], [true, true, true])
  assert.equal(viewOf('x'.repeat(DOWNLOAD_ABOVE + 1)).mayShowAll, false)
})

test('sizes', () => {
  assert.deepEqual([sizeText(12), sizeText(4_096), sizeText(3 * 1024 * 1024)], ['12 B', '4 KiB', '3.0 MiB'])
})
