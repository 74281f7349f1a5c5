import assert from 'node:assert/strict'
import { test } from 'node:test'
import { colouredParts } from './log-colours.ts'

test('colours of terminals become hues of the page, and every other order is removed', () => {
  assert.deepEqual(colouredParts('\u001b[31mred\u001b[0m and \u001b[1;32mgreen\u001b[39m still\u001b[22m'), [
    { text: 'red', hue: 'red' },
    { text: ' and ' },
    { text: 'green', hue: 'green', isBold: true },
    { text: ' still', isBold: true },
  ])
  assert.deepEqual(colouredParts('\u001b[2J\u001b[Ha\u001b]8;;javascript:alert(1)\u0007link\u001b]8;;\u0007'), [{ text: 'alink' }])
  assert.deepEqual(colouredParts('\u001b[38;5;208morange\u001b[38;2;20;30;250mblue\u001b[90mgray\u001b[97mwhite\u001b[0m'), [
    { text: 'orange', hue: 'yellow' },
    { text: 'blue', hue: 'blue' },
    { text: 'gray', hue: 'gray' },
    { text: 'white' },
  ])
  assert.deepEqual(colouredParts('\u001b[41;97m ERROR \u001b[0m'), [{ text: ' ERROR ', hue: 'red', isFilled: true }])
})

test('a message stays text, whatever is in it', () => {
  assert.deepEqual(colouredParts('\u001b[31m<img src=x onerror=alert(1)>\u001b[0m'), [{ text: '<img src=x onerror=alert(1)>', hue: 'red' }])
  assert.deepEqual(colouredParts('a\u202eb\u0000c\n'), [{ text: 'abc ⏎ ' }])
  assert.deepEqual(colouredParts('\u001b[31'), [{ text: '31' }])
})

test('a line of nothing but colours has a limit', () => {
  const parts = colouredParts('\u001b[31ma\u001b[32mb'.repeat(1_000))
  assert.equal(parts.length, 201)
  assert.equal(parts.map(({ text }) => text).join(''), 'ab'.repeat(1_000))
})
