import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERROR_CODES, REASONS } from '@carillon/contracts'
import { en } from './en/messages.ts'
import { zhCn } from './zh-cn/messages.ts'
import { problems } from './zh-cn/problems.ts'
import { reasons } from './zh-cn/reasons.ts'

/** Every text by its path; one with parts is filled with numbers that can be found again in it. */
function texts(
  tree: object,
  path: string,
  found = new Map<string, { parts: number; text: string }>(),
): Map<string, { parts: number; text: string }> {
  for (const [name, value] of Object.entries(tree)) {
    const at = path === '' ? name : `${path}.${name}`
    if (typeof value === 'object' && value !== null) texts(value, at, found)
    else if (typeof value === 'function') {
      const marks = Array.from({ length: value.length }, (_none, i) => 701 + i)
      found.set(at, { parts: value.length, text: String(value(...marks)) })
    } else found.set(at, { parts: 0, text: String(value) })
  }
  return found
}

test('both catalogues have the same texts, with the same parts, and each part appears', () => {
  const [english, chinese] = [texts(en, ''), texts(zhCn, '')]
  assert.deepEqual([...chinese.keys()].sort(), [...english.keys()].sort())
  for (const [path, { parts, text }] of english) {
    const other = chinese.get(path)
    assert.equal(other?.parts, parts, path)
    assert.ok(text.trim() !== '' && other?.text.trim() !== '', `${path} is empty`)
    for (let i = 0; i < parts; i++)
      for (const filled of [text, other?.text ?? ''])
        assert.match(filled, new RegExp(String(701 + i)), `part ${i + 1} of ${path}: ${filled}`)
  }
})

test('each error code and each reason has a sentence in Chinese, and there is none without a code', () => {
  assert.deepEqual(Object.keys(problems).sort(), Object.keys(ERROR_CODES).sort())
  assert.deepEqual(Object.keys(reasons).sort(), Object.keys(REASONS).sort())
  for (const [code, sentence] of Object.entries({ ...problems, ...reasons })) assert.match(sentence, /\p{Script=Han}.*。$/u, code)
})
