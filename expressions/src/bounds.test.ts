import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { compileExpression } from './compile-expression.ts'
import { EXPRESSION_LIMITS } from './limits.ts'

const field = { field: 'value', kind: 'value', variables: { payload: 'any' } } as const
/** Far more than the bounds below take on a slow machine; without one, each input takes minutes or all memory. */
const LIMIT_MS = 3_000
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)
const written = (count: number) => `[${numbers(count).join(', ')}]`

function timed<Value>(work: () => Value): Value {
  const start = performance.now()
  const value = work()
  const tookMs = performance.now() - start
  assert.ok(tookMs < LIMIT_MS, `took ${Math.round(tookMs)} ms`)
  return value
}

function refused(text: unknown, options: { maxTextBytes?: number; maxNodes?: number } = {}): string {
  return timed(() => {
    try {
      compileExpression(text, { ...field, ...options })
    } catch (error) {
      assert.ok(CarillonError.is(error) && error.code === 'INVALID_EXPRESSION', String(error))
      assert.ok(error.message.length < 600)
      return error.message
    }
    return assert.fail('accepted')
  })
}

function tooCostly(text: string, payload: unknown): void {
  const { evaluate } = compileExpression(text, field)
  const outcome = timed(() => evaluate({ payload }))
  assert.match(outcome.ok ? JSON.stringify(outcome.value).slice(0, 200) : outcome.error.message, /more than 100,000 units of work/)
  // The next evaluation has a budget of its own.
  assert.equal(compileExpression('1 + 1', field).evaluate({}).ok, true)
}

describe('what is refused before it is evaluated', () => {
  test('text over 1 KiB, without parsing it', () => {
    assert.match(refused('a'.repeat(1_048_576)), /has 1048576 bytes/)
    assert.match(refused(`${'('.repeat(10_000)}1${')'.repeat(10_000)}`), /bytes/)
    assert.match(refused(`'${'é'.repeat(600)}'`), /has 1202 bytes/)
    compileExpression(`'${'a'.repeat(1_022)}'`, field)
  })

  test('4 KiB where a place takes them', () => {
    const decision = { maxTextBytes: EXPRESSION_LIMITS.decisionTextBytes, maxNodes: EXPRESSION_LIMITS.decisionNodes }
    compileExpression(`${'payload.a == 1 || '.repeat(150)}true`, { ...field, ...decision })
    assert.match(refused('a'.repeat(4_097), decision), /4097 bytes/)
    assert.match(refused(`${'!'.repeat(4_000)}true`, decision), /maxAstNodes \(800\)/)
  })

  test('depth and nodes', () => {
    assert.match(refused(`${'('.repeat(300)}1${')'.repeat(300)}`), /maxDepth/)
    assert.match(refused(`payload${'.a'.repeat(400)}`), /maxDepth/)
    assert.match(refused(`${'payload['.repeat(100)}0${']'.repeat(100)}`), /maxDepth/)
    assert.match(refused(`${'true ? 1 : '.repeat(90)}1`), /maxDepth/)
    assert.match(refused(`${'!'.repeat(1_000)}true`), /maxAstNodes/)
    assert.match(refused(`${'-'.repeat(1_000)}1`), /maxAstNodes/)
    assert.match(refused(`1${'+1'.repeat(400)}`), /maxAstNodes/)
    assert.match(refused(`[${'1,'.repeat(400)}]`), /maxAstNodes/)
    assert.match(refused('[[[[[1]]]]]'), /at most 4 deep/)
  })

  test('comprehensions within comprehensions within comprehensions', () => {
    const list = written(20)
    assert.match(refused(`${list}.map(x, ${list}.map(y, ${list}.map(z, x)))`), /one inside another is the most/)
    assert.match(refused('payload.exists(x, x.exists(y, [y.all(z, true)] == []))'), /one inside another is the most/)
    compileExpression('payload.map(x, x.filter(y, y > 1)).filter(z, size(z) > 1)', field)
  })

  test('patterns that are long, grow when they are compiled, or come from a payload', () => {
    assert.match(refused(`payload.matches('${'a'.repeat(257)}')`), /257 letters/)
    assert.match(refused("payload.matches('((a{30}){30}){30}')"), /repeat/)
    assert.match(refused("payload.matches('[a-z]{0,1000}[a-z]{0,1000}0')"), /repeat too much/)
    const each = "payload.matches('[a-z]{0,180}') || "
    assert.match(refused(`${each.repeat(4)}true`), /patterns repeat too much: 1\d{3} instructions in all/)
    assert.match(refused('payload.a.matches(payload.b)'), /text in quotes/)
    assert.match(refused('matches(payload.a, payload.b)'), /text in quotes/)
  })
})

describe('what ends while it is evaluated', () => {
  const long = 'a'.repeat(400_000)
  for (const [what, text, payload] of [
    ['a list within itself', 'payload.map(x, payload.map(y, x * y))', numbers(1_000)],
    ['quantifiers', 'payload.exists(x, payload.exists(y, y == -1))', numbers(2_000)],
    ['quantifiers that an operator would hide', 'payload.exists(x, payload.exists(y, y == -1)) || true', numbers(2_000)],
    ['errors that a quantifier hides', 'payload.exists(x, x.missing == 1)', numbers(5_000)],
    ['errors that an operator hides', 'payload.all(x, x.missing || x >= 0)', numbers(5_000)],
    ['a long list', 'payload.filter(x, x > 1).size() > 0', numbers(60_000)],
    ['a large payload', '[payload].size() > 0', numbers(200_000)],
    ['lists that are made again and again', 'payload.map(x, (payload + payload)[0])', numbers(1_000)],
    [
      'lists that are compared again and again',
      'payload.a.all(x, payload.b == payload.c)',
      { a: numbers(999), b: numbers(999), c: numbers(999) },
    ],
    ['a search in a list for each element', 'payload.all(x, x in payload)', numbers(1_000)],
    ['a long text in a long text', 'payload.s.contains(payload.t)', { s: long, t: `${'a'.repeat(150_000)}b` }],
    ['a text that falls into letters', "payload.s.split('')[0]", { s: long + long }],
    ['a long separator', "[payload.n.map(x, 'a').join(payload.s)].size() > 0", { n: numbers(999), s: long }],
    ['a value that the result holds many times', 'payload.map(x, payload)', numbers(1_000)],
    ['a text that the result holds many times', 'payload.n.map(x, payload.s)', { n: numbers(999), s: long }],
    ['a long name of a member', 'payload.n.exists(x, payload[payload.s])', { n: numbers(5_000), s: long }],
    ['a long text for a pattern', "payload.s.matches('(x+x+)+y')", { s: long }],
  ] as const) {
    test(what, () => tooCostly(text, payload))
  }

  test('patterns that hold an engine that goes back', () => {
    const evaluate = (pattern: string, text: string) =>
      compileExpression(`payload.matches('${pattern}')`, field).evaluate({ payload: text })
    for (const pattern of ['(a+)+$', '^(a|aa)+$', '^(a|a?)+$', '(.*)*x', '^(([a-z])+.)+[A-Z]([a-z])+$']) {
      const outcome = timed(() => evaluate(pattern, `${'a'.repeat(10_240)}!`))
      assert.deepEqual(outcome, { ok: true, value: false }, pattern)
    }
    assert.equal(evaluate('(a+)+$', 'a'.repeat(10_240)).ok, true)
  })

  test('texts that the library reads slowly', () => {
    for (const text of [
      'duration(payload) > duration("1s")',
      'timestamp(payload) > timestamp("2030-01-31T09:00:00Z")',
      'int(payload) > 1',
    ]) {
      const outcome = timed(() => compileExpression(text, field).evaluate({ payload: '1'.repeat(400_000) }))
      assert.equal(outcome.ok, false)
    }
  })

  test('what stays within the bounds has its result', () => {
    const small = compileExpression('payload.map(x, payload.map(y, x * y)).size()', field).evaluate({ payload: numbers(100) })
    assert.deepEqual(small, { ok: true, value: 100 })
    const items = compileExpression('payload.items.exists(i, i.price * i.count > 1000)', field)
    assert.deepEqual(items.evaluate({ payload: { items: numbers(5_000).map((count) => ({ count, price: 0.5 })) } }), {
      ok: true,
      value: true,
    })
  })
})

test('the evaluator keeps no type for each shape of a payload', () => {
  // The error names the type that the evaluator has made: with the library's own, it would be list<list<double>>.
  const outcome = compileExpression('payload - 1', field).evaluate({ payload: [[1]] })
  assert.match(outcome.ok ? '' : outcome.error.message, /no such overload: dyn<list<dyn>> - int/)
})
