import assert from 'node:assert/strict'
import { test } from 'node:test'
import { causeText } from './cause.ts'
import { REASONS, type Reason } from './lifecycle.ts'

const failure = { name: 'TypeError', message: 'no name' }

test('a cause is printed once', () => {
  assert.equal(causeText({ reason: 'handler-error', message: 'no name', failure }), 'TypeError: no name')
  assert.equal(causeText({ reason: 'handler-error', failure: { ...failure, name: 'Error' } }), 'no name')
  assert.equal(causeText({ reason: 'handler-error', failure: { ...failure, message: '' } }), 'TypeError')
  assert.equal(causeText({ reason: 'attempt-timeout', failure: { name: 'TimeoutError', message: 'longer than 1 s' } }), 'longer than 1 s')
  assert.equal(causeText({ reason: 'no-instance', message: 'no instance offers `x`', failure }), 'no instance offers `x`')
  assert.equal(causeText({}), '')
})

test('a reason alone is printed as text', () => {
  assert.equal(causeText({ reason: 'cancelled-by-request' }), 'someone cancelled it')
  for (const reason of Object.keys(REASONS) as Reason[]) assert.doesNotMatch(causeText({ reason }), /^[A-Z]|\.$|^$/)
})
