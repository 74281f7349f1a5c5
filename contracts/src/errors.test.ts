import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERROR_CODES, type ErrorCode } from './error-codes.ts'
import { CarillonError, printable } from './errors.ts'

test('an error crosses the wire and comes back the same', () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const error = new CarillonError(code, 'it went wrong', { field: 'schedule.cron', value: '"*"' })
    const back = CarillonError.fromBody(JSON.parse(JSON.stringify(error)))
    assert.ok(CarillonError.is(back))
    assert.deepEqual([back.code, back.message, back.details, back.retry], [code, error.message, error.details, ERROR_CODES[code].retry])
    assert.equal(back.details.hint, ERROR_CODES[code].remedy)
  }
})

test('a code of another version, or a key of every object, is an internal error', () => {
  for (const code of ['FROM_THE_FUTURE', 'toString', 'constructor', '__proto__', ''])
    assert.equal(CarillonError.fromBody({ code, message: 'x' }).code, 'INTERNAL')
})

test('`is` holds across copies of the package, and for nothing else', async () => {
  const copy = (await import(`./errors.js?copy=${1}`)) as { CarillonError: typeof CarillonError }
  const foreign = new copy.CarillonError('RUN_ENDED', 'over')
  assert.equal(foreign instanceof CarillonError, false)
  assert.ok(CarillonError.is(foreign))
  assert.equal(CarillonError.from(foreign), foreign)
  for (const other of [new Error('x'), null, undefined, 'RUN_ENDED', { code: 'RUN_ENDED' }]) assert.equal(CarillonError.is(other), false)
})

test('any thrown value becomes an error with its cause', () => {
  const cause = new TypeError('no')
  assert.equal(CarillonError.from(cause).cause, cause)
  assert.equal(CarillonError.from(cause).code, 'INTERNAL')
  assert.equal(CarillonError.from('text').message, 'text')
  assert.equal(CarillonError.from(undefined).message, 'undefined')
})

test('values are printed short, on one line, whatever they are', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  assert.equal(printable('a\r\nb'), '"a\\r\\nb"')
  assert.equal(printable('x'.repeat(500)).length, 121)
  assert.equal(printable('a\u001b[2Kb\u009b31m\u2028c\u202ed'), '"a\\u001b[2Kb\\u009b31m\\u2028c\\u202ed"')
  assert.equal(printable('👩‍🚀 é'), '"👩‍🚀 é"')
  assert.equal(printable(undefined), 'undefined')
  assert.equal(printable(Number.NaN), 'NaN')
  assert.equal(printable(5n), '5')
  assert.equal(printable(cycle), '[object Array]')
  assert.equal(printable({ toJSON: () => undefined }), '[object Object]')
  assert.equal(printable(null), 'null')
})

test('every code says what it means and what to do', () => {
  for (const [code, { meaning, remedy }] of Object.entries(ERROR_CODES)) {
    assert.match(code, /^[A-Z]+(_[A-Z]+)*$/)
    for (const text of [meaning, remedy]) assert.match(text, /^[A-Z`n].*\.$/, code)
  }
})
