import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '@carillon/contracts'
import { failureOf, isNonRetryable } from './failure.ts'
import { NonRetryableError, RetryAfterError } from './handler-errors.ts'

const hostile = new Proxy(
  {},
  {
    get: () => {
      throw new Error('trap')
    },
    has: () => {
      throw new Error('trap')
    },
    getPrototypeOf: () => {
      throw new Error('trap')
    },
  },
)
const cyclic: Record<string, unknown> = { message: 'round' }
cyclic['self'] = cyclic

test('any thrown value becomes a failure that can be sent', () => {
  const badGetter = Object.defineProperty(new Error('x'), 'message', {
    get: () => {
      throw new Error('trap')
    },
  })
  const values = [
    null,
    undefined,
    0,
    'text',
    5n,
    Symbol('s'),
    () => 1,
    [],
    {},
    cyclic,
    hostile,
    badGetter,
    Object.create(null),
    new Date(Number.NaN),
  ]
  for (const value of values) {
    const failure = failureOf(value)
    assert.doesNotThrow(() => JSON.stringify(failure))
    assert.equal(typeof failure.message, 'string')
    assert.ok(failure.name.length > 0)
  }
  assert.match(failureOf('text').message, /"text"/)
  assert.match(failureOf(null).message, /null/)
})

test('objects that are thrown are shown by what they hold', () => {
  assert.equal(failureOf({ code: 5 }).message, 'A handler threw {"code":5}')
  assert.equal(failureOf(new Map([['a', 1]])).message, "A handler threw Map(1) { 'a' => 1 }")
  assert.equal(failureOf(Object.create(null)).message, 'A handler threw {}')
  assert.equal(failureOf({ message: { reason: 'full' } }).message, '{"reason":"full"}')
  assert.equal(failureOf({ message: undefined }).message, '')
  assert.equal(failureOf({ message: 'm', name: Object.create(null) }).name, 'Error')
})

test('texts are cut to the limit, in bytes', () => {
  const failure = failureOf(Object.assign(new Error('ü'.repeat(100_000)), { name: 'n'.repeat(1_000) }))
  assert.ok(Buffer.byteLength(failure.message) <= LIMITS.errorTextBytes)
  assert.ok(Buffer.byteLength(failure.stack ?? '') <= LIMITS.errorTextBytes)
  assert.equal(failure.name.length, 200)
  assert.ok(!failure.message.includes('\uFFFD'))
})

test('an error is known by its class, and by its code or that of its cause', () => {
  class PaymentRefused extends Error {}
  assert.equal(failureOf(new PaymentRefused('no')).name, 'PaymentRefused')
  assert.equal(failureOf(new (class extends Error {})('no')).name, 'Error')
  assert.equal(failureOf({ message: 'no', name: 'Error' }).name, 'Error')
  assert.equal(failureOf(Object.assign(new Error('no'), { code: 'ENOENT' })).code, 'ENOENT')
  assert.equal(failureOf(new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ENOTFOUND' }) })).code, 'ENOTFOUND')
  for (const code of [undefined, 5, '', null]) assert.equal('code' in failureOf(Object.assign(new Error('no'), { code })), false)
})

test('a pause that is no time is refused where it is asked for, with the message of the error', () => {
  for (const pause of [Number.NaN, Number.POSITIVE_INFINITY, 1e20, 'soon', '2030-01-31', new Date('x'), undefined])
    assert.throws(() => new RetryAfterError('busy', pause as number), {
      code: 'INVALID_DELAY',
      message: /retryAfter is wrong: .* \(of the error: busy\)/s,
    })
})

test('a pause is a duration or a time, as a number, a text or a Date', () => {
  for (const [pause, ms] of [
    [60_000, 60_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    [new Date(0), 0],
    ['2020-01-01T00:00:00Z', 0],
  ] as const)
    assert.equal(new RetryAfterError('busy', pause).retryAfterMs, ms)
  const { retryAfterMs } = new RetryAfterError('busy', new Date(Date.now() + 60_000))
  assert.ok(retryAfterMs > 0 && retryAfterMs <= 60_000, String(retryAfterMs))
  for (const far of ['2099-01-01T00:00:00Z', '3651d']) assert.throws(() => new RetryAfterError('busy', far), { code: 'INVALID_DELAY' })
})

test('a longer pause than a report can carry, of another copy of this package, is the longest one', () => {
  const error = new RetryAfterError('later', 1)
  Object.assign(error, { retryAfterMs: 1e20 })
  assert.equal(failureOf(error).retryAfterMs, LIMITS.horizonYears * 365 * 86_400_000)
  Object.assign(error, { retryAfterMs: Number.NaN })
  assert.equal(failureOf(error).retryAfterMs, undefined)
})

test('what a handler asks for travels with the failure', () => {
  assert.equal(failureOf(new NonRetryableError('no')).retryable, false)
  assert.equal(isNonRetryable(new NonRetryableError('no')), true)
  assert.equal(isNonRetryable(hostile), false)
  assert.equal(failureOf(new RetryAfterError('later', 1_500.4)).retryAfterMs, 1_501)
  assert.equal(failureOf(new RetryAfterError('later', -5)).retryAfterMs, 0)
  class Custom extends NonRetryableError {
    override readonly name = 'Custom'
  }
  assert.deepEqual({ ...failureOf(new Custom('mine')), stack: '' }, { name: 'Custom', message: 'mine', stack: '', retryable: false })
})
