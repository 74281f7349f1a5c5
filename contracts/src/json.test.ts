import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { parseJson, writeJson } from './json.ts'
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

test('what is undefined is absent, and null in an array; nothing is null', () => {
  assert.equal(write(undefined), 'null')
  const sparse: unknown[] = [undefined]
  sparse[2] = null
  assert.equal(write({ a: undefined, d: sparse }), '{"d":[null,null,null]}')
})

test('what JSON cannot carry is refused by name and path', () => {
  class Account {
    id = 1
  }
  const trap = {
    get total(): number {
      throw new Error('gone')
    },
  }
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  for (const [value, message] of [
    [new Map([['a', 1]]), /^result is a Map, which JSON cannot carry: pass Object.fromEntries/],
    [{ seen: { tags: new Set() } }, /^result.seen.tags is a Set/],
    [new TypeError('no'), /^result is an error \(TypeError\)/],
    [{ a: [1, { b: Promise.resolve() }] }, /^result.a.1.b is a Promise, .* await it first/],
    [{ a: { b: Number.NaN } }, /^result.a.b is NaN/],
    [[Number.NEGATIVE_INFINITY], /^result.0 is -Infinity/],
    [() => 1, /^result is a function/],
    [{ a: () => 1 }, /^result.a is a function/],
    [Symbol('x'), /^result is a symbol/],
    [{ a: [1n] }, /^result.a.0 is a BigInt/],
    [new Account(), /^result is an Account, .* give its class a toJSON/],
    [/x/, /^result is a RegExp/],
    [new Uint8Array(2), /^result is an? Uint8Array/],
    [{ at: new Date(Number.NaN) }, /^result.at is an invalid Date/],
    [{ toJSON: () => Number.NaN }, /^result is NaN/],
    [{ a: { toJSON: () => ({ deep: new Map() }) } }, /^result.a.deep is a Map/],
    [{ a: { toJSON: () => new Map() } }, /^result.a is a Map/],
    [{ toJSON: () => new Error('no') }, /^result is an error/],
    [{ a: trap }, /^result.a.total cannot be read: gone/],
    [{ a: proxy }, /^result.a cannot be read/],
  ] as const)
    assert.throws(() => write(value), { code: 'RESULT_NOT_JSON', message }, String(message))
})

test('plain data and whatever has a toJSON is written', () => {
  class Money {
    readonly cents = 5
    toJSON() {
      return { cents: this.cents }
    }
  }
  class Row {
    readonly id = 7
    toJSON() {
      return this
    }
  }
  const foreign = runInNewContext('({ a: [1, { b: null }] })') as unknown
  const value = {
    at: new Date(0),
    url: new URL('http://a/'),
    bytes: Buffer.from('a'),
    money: new Money(),
    row: new Row(),
    foreign,
    bare: Object.create(null),
  }
  assert.equal(write(value), JSON.stringify(value))
})

test('what refers to the same objects again and again is too large, not endless', () => {
  let shared: unknown = 1
  for (let i = 0; i < 60; i++) shared = [shared, shared]
  assert.throws(() => write(shared), { code: 'RESULT_TOO_LARGE' })
  const sparse: unknown[] = []
  sparse[4_000_000_000] = 1
  assert.throws(() => write(sparse), { code: 'RESULT_TOO_LARGE' })
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
