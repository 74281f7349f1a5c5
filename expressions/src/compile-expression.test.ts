import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { compileExpression } from './compile-expression.ts'
import { PLACES } from './places.ts'
import type { ExpressionKind } from './variables.ts'

const variables = { payload: 'any', labels: 'map of text', load: ['cpu', 'memory'] } as const
const payload = JSON.parse(
  '{"n":7,"price":2.5,"id":7,"items":[1,2,3,4],"ids":[1,7],"name":"abc","list":[{"a":1},{"a":2}],"nothing":null,"constructor":"c","__proto__":1}',
)
const given = { payload, labels: { zone: 'a' }, load: { cpu: 0.5 } }

function outcome(text: string, kind: ExpressionKind = 'value', values: Readonly<Record<string, unknown>> = given) {
  return compileExpression(text, { field: 'value', kind, variables }).evaluate(values)
}
function resultOf(text: string, kind: ExpressionKind = 'value', values = given): unknown {
  const result = outcome(text, kind, values)
  assert.ok(result.ok, result.ok ? '' : result.error.message)
  return result.value
}
function refusal(text: unknown, kind: ExpressionKind = 'boolean'): CarillonError {
  try {
    compileExpression(text, { field: 'job.filter', kind, variables })
  } catch (error) {
    assert.ok(CarillonError.is(error), String(error))
    assert.deepEqual([error.code, error.details.field], ['INVALID_EXPRESSION', 'job.filter'])
    return error
  }
  return assert.fail(`${text} was accepted`)
}
function failureOf(text: string, kind: ExpressionKind = 'value', values: Readonly<Record<string, unknown>> = given): string {
  const result = outcome(text, kind, values)
  assert.ok(!result.ok, `${text} has a result`)
  assert.deepEqual([result.error.code, result.error.details.field], ['EXPRESSION_FAILED', 'value'])
  return result.error.message
}

describe('numbers of JSON', () => {
  for (const [text, expected] of [
    ['payload.n + 1', 8],
    ['1 - payload.n', -6],
    ['payload.n % 2', 1],
    ['10 % payload.n', 3],
    ['payload.n % payload.id', 0],
    ['payload.price * 1.5', 3.75],
    ['payload.price * 2', 5],
    ['payload.n / 2', 3.5],
    ['int(payload.n) / 2', 3],
    ['payload.id == 7', true],
    ['7 == payload.id', true],
    ['payload.id != 7', false],
    ['size(payload.items) > 3', true],
    ['payload.items.size() + payload.n', 11],
    ['7 in payload.ids', true],
    ['payload.id in [7, 8]', true],
    ['payload.ids == [1, 7]', true],
    ['payload.items[payload.n - 6]', 2],
    ['payload.items.map(x, x * 2)', [2, 4, 6, 8]],
    ['{"n": payload.n + 1, "list": [1, payload.price]}', { n: 8, list: [1, 2.5] }],
    ['load.cpu == 1', false],
    ['load.cpu + 1', 1.5],
    ['string(payload.n) + "!"', '7!'],
  ] as const) {
    test(text, () => {
      const value = resultOf(text)
      assert.deepEqual(value, expected)
      assert.deepEqual(JSON.parse(JSON.stringify(value)), expected)
    })
  }

  test('what JSON cannot keep is no result', () => {
    assert.match(failureOf('9007199254740991 + 2'), /9007199254740993, which JSON cannot keep exactly/)
    assert.match(failureOf('payload.n / 0'), /Infinity/)
    assert.match(failureOf('payload.n % 0'), /modulo by zero at column 1/)
    assert.match(failureOf('payload.price % 2'), /whole numbers/)
  })
})

test('a number that cannot be held exactly is refused when it is stored, wherever it stands', () => {
  for (const text of ['99999999999999999999', '9007199254740993', '9007199254740992', '0x20000000000000', '1e999']) {
    for (const place of [
      `load.cpu < ${text}`,
      `payload.n == -${text}`,
      `[1, ${text}].exists(x, x == payload.n)`,
      `size(payload.items[${text}]) > 0`,
    ])
      assert.match(refusal(place).message, /at column \d+/, place)
  }
  assert.equal(resultOf('9007199254740991'), 9_007_199_254_740_991)
  assert.equal(resultOf('-9007199254740991'), -9_007_199_254_740_991)
})

test('a time is RFC 3339, on a day that exists, whatever the time zone of the machine', () => {
  assert.equal(resultOf('timestamp("2030-01-31T09:00:00+01:00") == timestamp("2030-01-31T08:00:00Z")'), true)
  assert.equal(resultOf('timestamp("2030-01-31T23:30:00Z").getDate()'), 31)
  assert.equal(resultOf('timestamp("2030-01-31T09:00:00Z") + duration("90m")'), '2030-01-31T10:30:00.000Z')
  for (const text of ['Jan 31 2030 09:00:00', '2030-02-31T09:00:00Z', '2030-01-31 09:00:00Z', '2030-01-31T09:00:00']) {
    assert.match(failureOf(`timestamp("${text}")`), /timestamp\(\) takes RFC 3339/)
  }
})

describe('members', () => {
  test('a member that is missing is an error, and has() tells', () => {
    assert.match(failureOf('payload.total > 100'), /no such key: total at column 9\n {2}payload\.total > 100\n {10}\^/)
    assert.equal(resultOf('has(payload.total) && payload.total > 100'), false)
    assert.equal(resultOf('has(payload.n)'), true)
    assert.equal(resultOf('has(load.memory)'), false)
    assert.equal(resultOf('"zone" in labels && labels["zone"] == "a"'), true)
    assert.equal(resultOf('payload.nothing == null'), true)
    assert.match(failureOf('payload.n', 'value', {}), /no such key/)
  })

  test('nothing is found that JSON does not have', () => {
    assert.equal(resultOf('payload.constructor'), 'c')
    assert.equal(resultOf('payload["__proto__"]'), 1)
    for (const name of ['toString', 'hasOwnProperty', '__defineGetter__']) {
      assert.match(failureOf(`payload.${name}`), /no such key/)
      assert.equal(resultOf(`"${name}" in payload`), false)
      assert.match(failureOf(`{"a": 1}.${name}`), /no such key/)
      assert.match(failureOf(`dyn({}).${name}`), /no such key/)
      assert.match(failureOf(`payload.items.${name}`), /no such key/)
      assert.match(failureOf(`payload.name.${name}`), /no such key|type: String/i)
    }
    assert.match(failureOf('labels.constructor'), /no such key/)
    assert.deepEqual(resultOf('{"__proto__": 1, "constructor": 2}'), JSON.parse('{"__proto__": 1, "constructor": 2}'))
  })

  test('a list or a map names no member', () => {
    assert.match(failureOf('payload[payload.items]'), /a member is named by a text, an element by a number/)
    assert.match(failureOf('payload.items[payload]'), /a member is named by a text/)
  })

  test('what is no JSON is refused without being called', () => {
    let calls = 0
    const trap = () => ++calls
    const hostile = {
      get getter() {
        return trap()
      },
      method: trap,
      toJSON: trap,
      valueOf: trap,
      when: new Date(0),
      large: 1n,
      inherits: Object.create({ secret: 1 }),
    }
    for (const name of Object.keys(hostile)) failureOf(`payload.${name} == 1`, 'value', { payload: hostile })
    failureOf('payload.inherits.secret', 'value', { payload: hostile })
    failureOf('payload == 1', 'value', { payload: new Map([['a', 1]]) })
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    assert.match(failureOf('payload == 1', 'value', { payload: cycle }), /nested too deep/)
    assert.equal(calls, 0)
  })

  test('only what the expression names is read', () => {
    const untouched = { total: 101, items: Array.from({ length: 200_000 }, () => 0), broken: () => 0 }
    assert.equal(resultOf('payload.total > 100 && payload["total"] < 102', 'value', { ...given, payload: untouched }), true)
    assert.match(failureOf('[payload].size()', 'value', { payload: { items: untouched.items } }), /units of work/)
    const nested = { a: { b: { c: 1 }, d: 2 }, e: 3 }
    assert.deepEqual(resultOf('[payload.a.b, payload.a.b.c]', 'value', { ...given, payload: nested }), [{ c: 1 }, 1])
    assert.deepEqual(resultOf('[payload.a.b.c, payload.a]', 'value', { ...given, payload: nested }), [1, nested.a])
  })
})

describe('a key', () => {
  test('has its type in it', () => {
    assert.deepEqual(
      ['payload.name', 'payload.n', 'string(payload.n)', 'payload.n == 7', '7', '7.0', '-0.0'].map((text) => resultOf(text, 'key')),
      ['"abc"', '7', '"7"', 'true', '7', '7', '0'],
    )
  })

  test('that is null or missing is none', () => {
    for (const text of ['payload.nothing', 'payload.missing', 'payload.missing.deeper', 'payload.items[9]']) {
      assert.equal(resultOf(text, 'key'), undefined, text)
    }
  })

  test('of another type, not finite or too long has no result', () => {
    assert.match(failureOf('payload.items', 'key'), /it is a list; a key is a text, a number or a boolean/)
    assert.match(failureOf('payload', 'key'), /it is a map/)
    assert.match(failureOf('payload.n / 0', 'key'), /Infinity/)
    assert.match(failureOf('0.0 / 0.0', 'key'), /NaN/)
    const long = (letters: number) => ({ ...given, payload: { name: 'é'.repeat(letters) } })
    assert.equal(resultOf('payload.name', 'key', long(128)), JSON.stringify('é'.repeat(128)))
    assert.match(failureOf('payload.name', 'key', long(129)), /258 bytes; a key has at most 256/)
    for (const text of ['[payload.n]', '{"a": 1}', 'null', 'payload.list.map(x, x.a)', 'duration("1s")']) refusal(text, 'key')
  })
})

describe('an expression that cannot be a boolean is refused when it is stored', () => {
  for (const text of [
    '1',
    '"a"',
    'null',
    'payload.n + 1',
    'payload.a - payload.b',
    '-payload.n',
    'size(payload)',
    'payload.name + "x"',
    'payload.a ? 1 : 2',
    'payload.a ? payload.b : 0',
    'payload.items.map(x, x > 1)',
    'payload.items.filter(x, x > 1)',
    '[true]',
    'dyn(1)',
    'load.cpu',
    'labels.zone',
    'payload.name.lowerAscii()',
    'timestamp(payload.at)',
  ]) {
    test(text, () => assert.match(refusal(text).message, /true or false/))
  }
  test('and one that may be is decided by its result', () => {
    assert.equal(resultOf('payload.n > 1', 'boolean'), true)
    assert.match(failureOf('payload.n', 'boolean'), /it is a number \(7\), not true or false/)
  })
})

describe('an error says where, and what would be right', () => {
  for (const [text, message, hint] of [
    ['payload.total = 100', /unexpected character: = at column 15\n {2}payload\.total = 100\n {16}\^$/, /Use == /],
    ['payload.n === 7', /column 13/, /Use == /],
    ['payload.n > 1 and true', /column 15/, /Use && /],
    ['payload.n > 1 or true', /column 15/, /Use \|\| /],
    ['payload.n > 1 & true', /column 15/, /Use && /],
    ['not payload.n', /column/, /Use ! /],
    ['payloat.n > 1', /no variable "payloat" at column 1/, /payload, labels, load/],
    ['paid == payload.state', /no variable "paid"/, /Texts stand in quotes/],
    ['load.cpuu > 1', /no such key: cpuu at column 6/, /load has cpu, memory/],
    ['lower(payload.name) == "a"', /no function "lower"/, /lowerAscii/],
    ['payload.name.startsWith("a", 1)', /no matching overload/, /text\.startsWith\(part\)/],
    ['labels.zone == 1', /no such overload: string == int/, /one type/],
    ['"n" + 1 == "n1"', /no such overload: string \+ int/, /string\(…\)/],
    ['load.cpu < "a"', /no such overload: double < string/, /one type/],
    ['payload.name.matches(payload.name)', /must be a text in quotes/, /EXPRESSIONS/],
    ['payload.name.matches("(?=a)")', /the pattern is wrong: .*\(\?=/, /EXPRESSIONS/],
    ['true &&\n  foo', /at line 2, column 3\n {4}foo\n {4}\^$/, /variables/],
    ['b"a" == b"a"', /not part of JSON/, /EXPRESSIONS/],
    ['{1: true}[1]', /keys of a map are texts/, /EXPRESSIONS/],
    ['[].all(x, x > 0)', /element of an empty list/, /EXPRESSIONS/],
    ['payload.items.all(payload, true)', /"payload" is a variable already/, /EXPRESSIONS/],
    ['timestamp("2030-01-31T09:00:00Z").getHours("Europe/Paris") == 1', /no time zone/, /EXPRESSIONS/],
    ['  ', /is empty/, /Leave it out/],
  ] as const) {
    test(text, () => {
      const error = refusal(text)
      assert.match(error.message, message)
      assert.match(error.details.hint ?? '', hint)
    })
  }

  test('a long expression is cut around the place', () => {
    const error = refusal(`${'payload.a == 1 || '.repeat(20)}foo`)
    const [, line = '', mark = ''] = error.message.split('\n')
    assert.ok(line.length < 150)
    assert.equal(line.slice(mark.indexOf('^')), 'foo')
  })

  test('nothing in it moves the cursor of a terminal', () => {
    const [clear, bell] = ['\u001b[2J', '\u0007']
    const { message } = refusal(`'${clear}${bell}' == 'a' && foo`)
    assert.doesNotMatch(message.replaceAll('\n', ''), /\p{Cc}/u)
    assert.doesNotMatch(refusal(clear).message.replaceAll('\n', ''), /\p{Cc}/u)
  })

  test('what is no text is named', () => {
    for (const value of [undefined, null, 7, {}, ['a']]) assert.match(refusal(value).message, /^job\.filter is not a text/)
  })
})

test('each place takes what it is for', () => {
  const values = {
    payload: { total: 101, tenant: 'acme', customer: 5 },
    subject: 'orders.created',
    labels: { zone: 'a', gpu: 'true' },
    load: { cpu: 0.5 },
    context: { retries: 1 },
    nodes: { check: { state: 'succeeded', result: { ok: true } } },
  }
  const accept = (place: keyof typeof PLACES, text: string) => {
    const result = compileExpression(text, { ...PLACES[place], field: place }).evaluate(values)
    return result.ok ? result.value : result.error.message
  }
  assert.equal(accept('filter', "payload.total > 100 && subject == 'orders.created'"), true)
  assert.equal(accept('concurrencyKey', 'payload.tenant'), '"acme"')
  assert.equal(accept('hashKey', 'payload.customer'), '5')
  assert.equal(accept('where', "load.cpu < 0.8 && labels.zone == 'a'"), true)
  assert.equal(accept('decision', "nodes.check.state == 'succeeded' && nodes.check.result.ok && context.retries < 3"), true)
})
