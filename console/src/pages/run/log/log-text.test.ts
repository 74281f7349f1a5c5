import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accepts, fieldsText, parseRange, plainMessage, writeRange } from './log-text.ts'

test('control sequences, links of terminals and signs of direction are no part of a message', () => {
  assert.equal(plainMessage('\u001b[31mred\u001b[0m and \u001b]8;;javascript:alert(1)\u0007link\u001b]8;;\u0007'), 'red and link')
  assert.equal(plainMessage('a\u202eb\u2066c\u0000d'), 'abcd')
  assert.equal(plainMessage('one\ntwo\r\nthree'), 'one ⏎ two ⏎ three')
  assert.equal(plainMessage('<img src=x onerror=alert(1)>'), '<img src=x onerror=alert(1)>')
})

test('ranges of lines in links', () => {
  assert.deepEqual(parseRange('#L120'), { from: 120, to: 120 })
  assert.deepEqual(parseRange('#L140-120'), { from: 120, to: 140 })
  assert.equal(parseRange('#L12x'), undefined)
  assert.equal(writeRange({ from: 3, to: 3 }), 'L3')
  assert.equal(writeRange({ from: 3, to: 9 }), 'L3-9')
})

test('a filter accepts what the logger would', () => {
  const line = { at: '', level: 'warn', message: 'disk is full', taskId: 'r', attempt: 1, seq: 1, instance: 'i' } as const
  assert.ok(accepts({ level: 'info', text: 'disk' }, line))
  assert.ok(!accepts({ level: 'error', text: '' }, line))
  assert.ok(!accepts({ level: 'debug', text: '.*' }, line))
})

test('fields', () => assert.equal(fieldsText({ a: 1, b: 'x', c: [1] }), 'a=1 b=x c=[1]'))
