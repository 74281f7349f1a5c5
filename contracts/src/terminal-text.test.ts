import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasText, withoutTerminalCodes } from './terminal-text.ts'

test('what a terminal does not show is no part of a text', () => {
  assert.equal(withoutTerminalCodes('\u001b[1;31mno\u001b[0m \u001b[?25lroute\u001b]8;;http://a\u001b\\!\u001b]0;title\u0007'), 'no route!')
  assert.equal(withoutTerminalCodes('plain [31m text'), 'plain [31m text')
})

test('a line has a text as it is written, as a terminal shows it, or in its fields', () => {
  const line = { message: '\u001b[31mno\u001b[0m route', fields: { to: 'Ada' } }
  for (const text of ['no route', '[31mno', '"Ada"']) assert.ok(hasText(line, text), text)
  assert.ok(!hasText(line, 'noroute'))
})
