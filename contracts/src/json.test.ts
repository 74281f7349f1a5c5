import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyText, parseJson, writeJson } from './json.ts'
import { LIMITS } from './limits.ts'

const nested = (levels: number, open = '[', close = ']') => open.repeat(levels) + close.repeat(levels)
const write = (value: unknown, maxBytes = 1_000_000) =>
  writeJson(value, { field: 'result', maxBytes, tooLarge: 'RESULT_TOO_LARGE', notJson: 'RESULT_NOT_JSON' })

test('what is not JSON is refused', () => {
  for (const text of ['', '{', "{'a':1}", '{"a":1}x', 'undefined', 'NaN', 'Infinity', '01', '\u00ff', '[1,]', '"a\nb"'])
    assert.throws(() => parseJson(text), { code: 'INVALID_JSON' }, text)
})

test('nesting is limited, however deep, and text that only looks deep is not', () => {
  assert.ok(parseJson(nested(LIMITS.jsonDepth)))
  assert.throws(() => parseJson(nested(LIMITS.jsonDepth + 1)), { code: 'JSON_TOO_DEEP' })
  assert.throws(() => parseJson(nested(10_000)), { code: 'JSON_TOO_DEEP' })
  assert.throws(() => parseJson('{"a":'.repeat(10_000)), { code: 'JSON_TOO_DEEP' })
  assert.equal(parseJson(JSON.stringify('['.repeat(10_000))), '['.repeat(10_000))
  assert.equal(parseJson(JSON.stringify('\\"[['.repeat(1_000))), '\\"[['.repeat(1_000))
  assert.equal((parseJson(`[${'[],'.repeat(1_000)}[]]`) as unknown[]).length, 1_001)
})

test('a number that a double cannot hold is refused, long digits elsewhere are not', () => {
  for (const text of [
    '9007199254740992',
    '[-9007199254740993]',
    '{"a":{"b":12345678901234567890}}',
    `["${'x'.repeat(200)}",9007199254740993]`,
    '1e400',
    '-1E+999',
  ])
    assert.throws(() => parseJson(text), { code: 'INTEGER_TOO_LARGE' }, text)
  assert.equal(parseJson('9007199254740991'), Number.MAX_SAFE_INTEGER)
  assert.deepEqual(parseJson('["9007199254740993","\\"9007199254740993"]'), ['9007199254740993', '"9007199254740993'])
  assert.deepEqual(parseJson('[0.12345678901234567890,1e300,1e-400]'), [0.12345678901234568, 1e300, 0])
})

test('keys of every object stay plain data', () => {
  const value = parseJson('{"__proto__":{"polluted":true},"constructor":1}') as Record<string, unknown>
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  assert.equal(write(value), '{"__proto__":{"polluted":true},"constructor":1}')
})

test('what JSON.stringify leaves out is left out; nothing is null', () => {
  assert.equal(write(undefined), 'null')
  assert.equal(write({ a: undefined, b: () => 1, d: [undefined] }), '{"d":[null]}')
})

test('functions, NaN and infinite numbers are no JSON', () => {
  for (const value of [() => 1, Symbol('x'), Number.NaN, { a: [Number.POSITIVE_INFINITY] }, { toJSON: () => Number.NaN }])
    assert.throws(() => write(value), { code: 'RESULT_NOT_JSON' })
  assert.throws(() => write({ a: { b: Number.NaN } }), { message: /"b" is NaN/ })
})

test('bytes that are not UTF-8 are refused, not replaced', () => {
  assert.equal(bodyText(Buffer.from('{"a":"é"}')), '{"a":"é"}')
  assert.throws(() => bodyText(Buffer.from([0x22, 0xff, 0xfe, 0x22])), { code: 'INVALID_JSON', message: /not UTF-8/ })
})

test('cycles and BigInt are refused with the code that the caller names', () => {
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  for (const value of [cycle, 5n, { a: [1n] }, { toJSON: () => Promise.reject.bind(undefined) && 1n }])
    assert.throws(() => write(value), { code: 'RESULT_NOT_JSON' })
})

test('values are checked as texts are', () => {
  assert.throws(() => write(2 ** 53), { code: 'INTEGER_TOO_LARGE' })
  assert.equal(write(2 ** 53 - 1), '9007199254740991')
  let deep: unknown = 1
  for (let i = 0; i <= LIMITS.jsonDepth; i++) deep = [deep]
  assert.throws(() => write(deep), { code: 'JSON_TOO_DEEP' })
})

test('a value too deep for the stack is an error, not a crash', () => {
  let deep: unknown = 1
  for (let i = 0; i < 100_000; i++) deep = [deep]
  assert.throws(() => write(deep), { code: 'JSON_TOO_DEEP' })
})

test('sizes are counted in bytes of UTF-8', () => {
  assert.equal(write('é'.repeat(4), 10).length, 6)
  assert.throws(() => write('é'.repeat(5), 11), { code: 'RESULT_TOO_LARGE' })
  assert.equal(write('é'.repeat(5), 12).length, 7)
  assert.throws(() => write('😀😀', 9), { code: 'RESULT_TOO_LARGE' })
  assert.throws(() => write('a'.repeat(LIMITS.resultBytes), LIMITS.resultBytes), { code: 'RESULT_TOO_LARGE' })
})
