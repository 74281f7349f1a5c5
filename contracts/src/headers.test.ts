import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CarillonError } from './errors.ts'
import { CALL_HEADERS, checkBy, checkHeaders, HEADERS, TRIGGER_HEADERS } from './headers.ts'

test('headers of ours that mean something, and those of others, pass', () => {
  checkHeaders([...TRIGGER_HEADERS, HEADERS.traceparent, HEADERS.messageId, 'X-Mine'], TRIGGER_HEADERS)
  checkHeaders([HEADERS.traceparent, 'Carillonic'], [])
})

test('one that is mistyped is refused with its name and the nearest right one', () => {
  const cases = [
    ['Carillon-Ky', HEADERS.key],
    ['carillon-key', HEADERS.key],
    ['Carillon-Delay', HEADERS.delayMs],
    ['Carillon-DelayMs', HEADERS.delayMs],
    ['Carillon-Timeout', HEADERS.timeoutMs],
    ['Carillon-Atempts', HEADERS.attempts],
    ['Carillon-att', HEADERS.attempts],
    ['Carillon-at', HEADERS.at],
    ['Carillon-MyKey', HEADERS.key],
  ] as const
  for (const [name, right] of cases)
    assert.throws(() => checkHeaders(['traceparent', name], TRIGGER_HEADERS), {
      code: 'INVALID_HEADER',
      details: { field: 'headers', value: `"${name}"`, hint: `Did you mean ${right}? There are ${TRIGGER_HEADERS.join(', ')}.` },
    })
})

test('a call has one alone, and the body is named', () => {
  assert.throws(
    () => checkHeaders([HEADERS.by, HEADERS.key], CALL_HEADERS),
    (error: CarillonError) => error.code === 'INVALID_HEADER' && /body/.test(error.details.hint ?? ''),
  )
})

test('a name of a caller is short and printable', () => {
  assert.deepEqual(
    ['ada@laptop', '', undefined].map((by) => checkBy(by)),
    ['ada@laptop', undefined, undefined],
  )
  for (const by of ['x'.repeat(201), 'a\u001b[31mb', 'a\nb']) {
    assert.throws(() => checkBy(by), { code: 'INVALID_HEADER' })
    assert.throws(() => checkBy(by, 'by'), { code: 'INVALID_REQUEST' })
  }
})
