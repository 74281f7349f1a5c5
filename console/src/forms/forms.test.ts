import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseExactly, typedNumber, writeExactly } from './exact-json.ts'
import { formOf, type ObjectField } from './form-field.ts'
import { initialValue, pathText, placeProblems, problemsOf, unknownMembers, valueAt, variantOf, withValueAt } from './form-value.ts'

/** As `z.toJSONSchema` writes it. */
const SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: {
    day: { type: 'integer', minimum: 1, maximum: 31, description: 'Of the month' },
    serial: { type: 'integer', minimum: -9007199254740991, maximum: 9007199254740991 },
    customer: { $ref: '#/$defs/customer' },
    level: { type: 'string', enum: ['low', 'high'] },
    to: { type: 'array', items: { type: 'string', format: 'email' }, minItems: 1 },
    note: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    pay: {
      oneOf: [
        { type: 'object', properties: { by: { type: 'string', const: 'card' }, card: { type: 'string' } }, required: ['by', 'card'] },
        { type: 'object', properties: { by: { type: 'string', const: 'bill' }, days: { type: 'integer' } }, required: ['by'] },
      ],
    },
    tree: { $ref: '#' },
    extra: { type: 'object', propertyNames: { type: 'string' }, additionalProperties: { type: 'number' } },
  },
  required: ['day', 'customer', 'pay', 'to'],
  additionalProperties: false,
  $defs: { customer: { type: 'object', properties: { name: { type: 'string', minLength: 2 }, vip: { type: 'boolean', default: true } } } },
}
const FORM = formOf(SCHEMA) as ObjectField
const memberOf = (name: string) => FORM.members.find((member) => member.name === name)?.field

describe('forms', () => {
  test('a schema becomes fields; what has none is JSON', () => {
    assert.deepEqual(
      FORM.members.map(({ name, field, isRequired }) => [name, field.kind, isRequired]),
      [
        ['day', 'number', true],
        ['serial', 'number', false],
        ['customer', 'object', true],
        ['level', 'choice', false],
        ['to', 'list', true],
        ['note', 'text', false],
        ['pay', 'variants', true],
        ['tree', 'object', false],
        ['extra', 'json', false],
      ],
    )
    assert.deepEqual(memberOf('serial'), { kind: 'number', isInteger: true, isNullable: false })
    assert.equal(memberOf('note')?.isNullable, true)
  })

  test('schemas that lead to themselves, to nowhere and to others end', () => {
    assert.ok(JSON.stringify(FORM).length < 200_000)
    for (const schema of [{ $ref: '#' }, { $ref: 'https://example.com' }, { $ref: '#/$defs/none' }, true, null, 'x', { type: 'what' }])
      assert.equal(formOf(schema).kind, 'json')
    const deep = Array.from({ length: 50 }).reduce((inner) => ({ type: 'array', items: inner }), { type: 'string' })
    assert.ok(JSON.stringify(formOf(deep)).includes('"json"'))
    const wide = { type: 'object', properties: Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`m${i}`, { type: 'string' }])) }
    assert.equal((formOf(wide) as ObjectField).members.at(-1)?.field.kind, 'json')
  })

  test('objects that are the sum of several are one', () => {
    const part = (name: string) => ({ type: 'object', properties: { [name]: { type: 'string' } }, required: [name] })
    const form = formOf({ allOf: [part('a'), part('b')] }) as ObjectField
    assert.deepEqual(
      form.members.map(({ name, isRequired }) => [name, isRequired]),
      [
        ['a', true],
        ['b', true],
      ],
    )
  })

  test('types as a list are variants, and null makes nullable', () => {
    assert.deepEqual(formOf({ type: ['string', 'null'] }), { kind: 'text', isNullable: true })
    const either = formOf({ type: ['string', 'number'] })
    assert.ok(either.kind === 'variants')
    assert.deepEqual(
      either.variants.map(({ kind }) => kind),
      ['text', 'number'],
    )
  })

  test('a form begins with what must be there', () => {
    assert.deepEqual(initialValue(FORM), { customer: { vip: true }, to: [null], pay: { by: 'card' } })
  })

  test('what is wrong is said at its field', () => {
    const value = { day: 32, customer: { name: 'x' }, to: [], level: 'middle', pay: { by: 'bill', days: 1.5 }, odd: 1 }
    assert.deepEqual(
      problemsOf(FORM, value).map(({ path, kind, limit }) => [path.join('.'), kind, limit]),
      [
        ['day', 'too-large', 31],
        ['customer.name', 'too-short', 2],
        ['level', 'not-a-choice', undefined],
        ['to', 'too-few', 1],
        ['pay.days', 'not-whole', undefined],
        ['odd', 'unknown-member', undefined],
      ],
    )
    assert.deepEqual(problemsOf(FORM, { day: 1, customer: {}, to: ['a@b.c'], note: null, pay: { by: 'card', card: '4' } }), [])
  })

  test('the variant of a value is known by its constants', () => {
    const pay = memberOf('pay')
    assert.ok(pay?.kind === 'variants')
    assert.equal(variantOf(pay.variants, { by: 'bill' }), 1)
    assert.equal(variantOf(pay.variants, { by: 'card' }), 0)
  })

  test('numbers keep their digits, and members that no field shows are kept', () => {
    const text = '{"id":12345678901234567890,"rate":0.10000000000000000555,"odd":{"a":[1,2]},"day":1}'
    const value = parseExactly(text)
    const next = withValueAt(withValueAt(value, ['day'], 2), ['customer', 'name'], 'Ada')
    assert.equal(
      writeExactly(next),
      '{"id":12345678901234567890,"rate":0.10000000000000000555,"odd":{"a":[1,2]},"day":2,"customer":{"name":"Ada"}}',
    )
    assert.deepEqual(Object.keys(unknownMembers(FORM, value)), ['id', 'rate', 'odd'])
    assert.equal(String(typedNumber('12345678901234567890')), '12345678901234567890')
    for (const wrong of ['', 'a', '1.', '0x10', 'Infinity', '01', '1_000']) assert.equal(typedNumber(wrong), undefined, wrong)
  })

  test('a big number fits an integer field', () => {
    assert.deepEqual(problemsOf(formOf({ type: 'integer' }), parseExactly('12345678901234567890')), [])
  })

  test('a path leads to its value, and a member is left out', () => {
    const value = { list: [{ a: 1 }] }
    assert.equal(valueAt(value, ['list', 0, 'a']), 1)
    assert.equal(valueAt(value, ['toString']), undefined)
    assert.deepEqual(withValueAt(value, ['list', 0, 'a'], undefined), { list: [{}] })
    assert.deepEqual(Object.keys(withValueAt({}, ['__proto__'], { x: 1 }) as object), ['__proto__'])
  })

  test('problems of an answer are shown at the deepest field that there is', () => {
    const problems = [{ field: 'payload.customer.name' }, { field: 'payload.to.0' }, { field: 'attempts' }]
    const { byField, rest } = placeProblems(problems, new Set(['payload', pathText('payload', ['customer', 'name']), 'payload.to']))
    assert.deepEqual([...byField.keys()], ['payload.customer.name', 'payload.to'])
    assert.deepEqual(rest, [{ field: 'attempts' }])
  })
})
