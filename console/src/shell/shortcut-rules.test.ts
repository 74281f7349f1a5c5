import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shortcutOf } from './shortcut-rules.ts'

test('single keys, and those after g', () => {
  assert.deepEqual(shortcutOf('/', false), { kind: 'search' })
  assert.deepEqual(shortcutOf('?', false), { kind: 'help' })
  assert.equal(shortcutOf('g', false), 'chord')
  assert.deepEqual(shortcutOf('r', true), { kind: 'go', letter: 'r' })
  assert.equal(shortcutOf('r', false), undefined)
  assert.deepEqual(shortcutOf('j', false), { kind: 'row', what: 'next' })
  assert.deepEqual(shortcutOf('j', true), { kind: 'go', letter: 'j' })
})
