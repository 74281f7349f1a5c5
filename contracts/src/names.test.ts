import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from './errors.ts'
import { checkName, isName } from './names.ts'
import { parseSubject, subjects } from './subjects.ts'

const GOOD = ['a', 'A-b_9', 'x'.repeat(64), '0', '-', 'toString']
const BAD = ['', 'a.b', '*', 'a*', '>', 'a b', ' a', 'a\r', 'a\n', 'a\r\nPUB x 0', 'x'.repeat(65), 'é', 'a/b', 'a~b', '$JS', 'a\u0000']
const RESERVED = ['__proto__', 'constructor', 'prototype']

test('names are 1 to 64 letters, digits, "-" or "_"', () => {
  for (const name of GOOD) assert.equal(checkName('job', name), name)
  for (const name of [...BAD, ...RESERVED, undefined, null, 5, {}, ['a']]) assert.equal(isName(name), false, JSON.stringify(name))
})

test('a wrong name is refused with its field, its value and what is right', () => {
  for (const name of [...BAD, ...RESERVED]) {
    assert.throws(
      () => checkName('handler', name),
      (error: CarillonError) => {
        assert.equal(error.code, 'INVALID_NAME')
        assert.equal(error.details.field, 'handler')
        assert.equal(error.details.value, JSON.stringify(name))
        assert.match(error.details.hint ?? '', /letters, digits/)
        assert.doesNotMatch(error.message, /[\r\n]/)
        return CarillonError.is(error)
      },
    )
  }
})

test('subjects are taken apart as they were put together', () => {
  const text = subjects.event('shop', 'run', 'r1', 'succeeded')
  assert.equal(text, 'carillon.shop.event.run.r1.succeeded')
  assert.deepEqual(parseSubject(text), { namespace: 'shop', class: 'event', rest: ['run', 'r1', 'succeeded'] })
  assert.equal(subjects.work('shop', 'mail', 't1'), 'carillon.shop.work.mail.normal.t1')
  for (const foreign of ['', 'carillon', 'carillon.shop', 'other.shop.event.x']) assert.equal(parseSubject(foreign), undefined)
})

test('a trigger of a wrong name never becomes a subject', () => {
  assert.throws(() => subjects.trigger('default', 'a.b'), { code: 'INVALID_NAME' })
  assert.throws(() => subjects.trigger('*', 'a'), { code: 'INVALID_NAME' })
})
