import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode } from '@carillon/contracts'
import { MongoNetworkError, MongoServerError, MongoServerSelectionError } from 'mongodb'
import { fromMongoError, isTransient, sqlState } from './mongo-error.ts'
import { withRetry } from './retry.ts'

const serverError = (code: number, message = 'no') => new MongoServerError({ message, code })

test('states of PostgreSQL have the numbers that DocumentDB gives them', () => {
  assert.equal(sqlState('40P01'), 16_908_292)
})

test('transient errors are distinguished from permanent ones', () => {
  const transient = [112, 189, 10_107, 91, 64, 16_908_292].map((code) => serverError(code))
  for (const error of [...transient, new MongoNetworkError('closed'), serverError(1, 'the database system is in recovery mode')]) {
    assert.equal(isTransient(error), true, `${error.code} ${error.message}`)
  }
  for (const error of [serverError(2), serverError(13), serverError(11_000), serverError(1), new Error('closed'), undefined]) {
    assert.equal(isTransient(error), false, String(error))
  }
})

test('errors of the driver become codes of the catalogue', () => {
  const expected: readonly [unknown, ErrorCode][] = [
    [new MongoNetworkError('closed'), 'STORE_UNAVAILABLE'],
    [new MongoServerSelectionError('timed out', {} as never), 'STORE_UNAVAILABLE'],
    [serverError(112), 'STORE_UNAVAILABLE'],
    [serverError(18), 'STORE_UNAVAILABLE'],
    [serverError(13), 'STORE_READ_ONLY'],
    [serverError(14_031), 'STORE_FULL'],
    [serverError(sqlState('53100')), 'STORE_FULL'],
    [serverError(1, 'could not extend file: No space left on device'), 'STORE_FULL'],
    [serverError(2), 'INTERNAL'],
    [new TypeError('x is not a function'), 'INTERNAL'],
  ]
  for (const [error, code] of expected) {
    const mapped = fromMongoError(error, 'host/db')
    assert.equal(mapped.code, code, String(error))
    assert.equal(mapped.cause, error)
  }
})

test('a transient failure is tried again, another one is not', async () => {
  let calls = 0
  const answer = await withRetry(async () => {
    if (++calls < 4) throw serverError(112)
    return 'stored'
  })
  assert.deepEqual([answer, calls], ['stored', 4])
  await assert.rejects(
    () =>
      withRetry(async () => {
        calls++
        throw serverError(2)
      }),
    MongoServerError,
  )
  assert.equal(calls, 5)
})
