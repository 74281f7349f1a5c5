import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, type ErrorCode, RUN_ID } from '@carillon/contracts'
import { type RunRequest, startItemOf } from './start-item.ts'

const code = (request: RunRequest): ErrorCode | undefined => {
  try {
    startItemOf(request)
    return undefined
  } catch (error) {
    assert.ok(CarillonError.is(error))
    assert.ok(error.details.field)
    return error.code
  }
}

test('a start is written once, with an id of its own or a key', () => {
  const item = startItemOf({ job: 'report', payload: { a: [1] }, delayMs: 5, attempts: undefined })
  assert.match(item.id ?? '', RUN_ID)
  assert.deepEqual(JSON.parse(item.text), { job: 'report', delayMs: 5, id: item.id, payload: { a: [1] } })
  assert.deepEqual(JSON.parse(startItemOf({ handler: 'h', key: 'k', at: new Date(0) }).text), {
    handler: 'h',
    key: 'k',
    at: '1970-01-01T00:00:00.000Z',
  })
  assert.equal(item.bytes, Buffer.byteLength(item.text))
})

test('wrong input is refused before anything is sent', () => {
  let deep: unknown = 1
  for (let i = 0; i < 1_000; i++) deep = [deep]
  for (const job of ['a.b', '*', 'a b', 'x\r\n', 'x'.repeat(65), '__proto__', '']) assert.equal(code({ job }), 'INVALID_NAME')
  for (const delayMs of [Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5]) assert.equal(code({ job: 'j', delayMs }), 'INVALID_DELAY')
  for (const at of [new Date(Number.NaN), '2030-02-30T00:00:00Z', 'tomorrow']) assert.equal(code({ job: 'j', at }), 'INVALID_DATE')
  assert.equal(code({ job: 'j', payload: 'x'.repeat(600_000) }), 'PAYLOAD_TOO_LARGE')
  assert.equal(code({ job: 'j', payload: 5n }), 'INVALID_JSON')
  assert.equal(code({ job: 'j', payload: deep }), 'JSON_TOO_DEEP')
  assert.equal(code({ job: 'j', payload: 2 ** 60 }), 'INTEGER_TOO_LARGE')
  assert.equal(code({ job: 'j', attempts: 0 }), 'INVALID_REQUEST')
  assert.equal(code({ job: 'j', delayMs: 60 * 86_400_000 }), undefined)
})
