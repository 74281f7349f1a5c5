import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseInput } from './fields.ts'
import { writeJson } from './json.ts'
import { parseBody, UnacceptableJson } from './json-text.ts'
import { LIMITS } from './limits.ts'
import { startRunSchema } from './run.ts'

const parse = (text: string) => parseBody(Buffer.from(text))
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
const LIMIT = { field: 'result', maxBytes: 100_000, tooLarge: 'RESULT_TOO_LARGE', notJson: 'RESULT_NOT_JSON' } as const
const codeOf = (value: unknown) => (value instanceof UnacceptableJson ? value.code : undefined)

test('a value of any message may be as deep as it may be alone', () => {
  const deep = nested(LIMITS.jsonDepth)
  for (const text of [deep, `{"a":${deep}}`, `[{"a":${deep}}]`, `{"a":[{"b":{"c":${deep}}}]}`])
    assert.equal(JSON.stringify(parse(text)), text)
})

test('a part that is not acceptable is marked in its place, and the rest is there', () => {
  const bad = [
    [nested(10_000), 'JSON_TOO_DEEP'],
    ['{"n":12345678901234567890}', 'INTEGER_TOO_LARGE'],
    ['-1e999', 'INTEGER_TOO_LARGE'],
    ['NaN', 'INVALID_JSON'],
    ["'x'", 'INVALID_JSON'],
    ['', 'INVALID_JSON'],
    ['{a:1}', 'INVALID_JSON'],
  ] as const
  for (const [part, code] of bad) {
    const text = `[ {"a": "[,]{\\"}"} , {"value": ${part}, "ok": [1, {"b": 2}]} , "last" ]`
    const [before, { value, ok }, after] = parse(text) as [unknown, { value: unknown; ok: unknown }, unknown]
    assert.deepEqual([before, ok, after], [{ a: '[,]{"}' }, [1, { b: 2 }], 'last'], code)
    assert.throws(() => writeJson(value, LIMIT), { code })
  }
})

test('bytes that are not UTF-8 cost the part alone that holds them', () => {
  const bad = Buffer.concat([Buffer.from('[{"a":"é"},{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}]')])
  const [fine, flawed] = parseBody(bad) as [Record<string, unknown>, Record<string, unknown>]
  assert.deepEqual([fine, codeOf(flawed['a'])], [{ a: 'é' }, 'INVALID_JSON'])
  assert.equal(parse('"\ufffd"'), '\ufffd')
})

test('what cannot be taken apart is marked as a whole', () => {
  for (const text of ['{', '[1,2', '[1]]', '{"a":1}x', '[}', 'nonsense', '{"a" 1}', '"open'])
    assert.equal(codeOf(parse(text)), 'INVALID_JSON', text)
  assert.equal(codeOf(parse('['.repeat(100_000))), 'JSON_TOO_DEEP')
  assert.equal(parseBody(Buffer.alloc(0)), null)
  assert.deepEqual(parseBody(Buffer.alloc(0), {}), {})
  assert.deepEqual(parse(`[ ]${' '.repeat(200)}`), [])
})

test('using a marked part throws its error, with its field', () => {
  assert.throws(() => writeJson(parse('{"a":{"b":[1700000000000000001]}}'), LIMIT), {
    code: 'INTEGER_TOO_LARGE',
    message: /^result.a.b.0 holds "1700000000000000001"/,
  })
  assert.throws(() => parseInput(startRunSchema, parse('{"job":"a","attempts":NaN}')), {
    code: 'INVALID_JSON',
    message: /^attempts is not JSON/,
  })
  assert.throws(() => parseInput(startRunSchema, parse('{"job":"a"')), { code: 'INVALID_JSON', message: /^request is not JSON/ })
  assert.equal(JSON.stringify(parse('[NaN]')), '["NaN"]')
})

test('keys of every object stay plain data, also in a body that is taken apart', () => {
  const value = parse('[{"__proto__":{"polluted":true},"a":NaN}]') as Record<string, unknown>[]
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  assert.deepEqual(Object.keys(value[0] ?? {}), ['__proto__', 'a'])
})
