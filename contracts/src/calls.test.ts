import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as z from 'zod'
import { isRepeatable } from './call.ts'
import { CALLS } from './calls.ts'
import { ERROR_CODES } from './error-codes.ts'
import { isName } from './names.ts'

const document = (name: string) => readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8')

test('every call has a noun and a verb of its own, a description and a deadline', () => {
  const calls = Object.values(CALLS)
  assert.equal(new Set(calls.map(({ noun, verb }) => `${noun}.${verb}`)).size, calls.length)
  for (const { noun, verb, description, deadlineMs } of calls) {
    assert.ok(isName(noun) && isName(verb))
    assert.match(description, /^[A-Z]/)
    assert.ok(deadlineMs >= 1_000)
  }
})

test('every key of the table is its noun and verb', () => {
  for (const [key, { noun, verb }] of Object.entries(CALLS)) assert.equal(key, noun + verb.charAt(0).toUpperCase() + verb.slice(1))
})

test('a start is repeatable when each of its runs has an identity', () => {
  assert.ok(isRepeatable(CALLS.jobsRun, { job: 'a', key: 'k' }))
  assert.ok(isRepeatable(CALLS.runsStart, { runs: [{ id: 'run0aaaaaaaaaaaa' }, { key: 'k' }] }))
  assert.ok(!isRepeatable(CALLS.jobsRun, { job: 'a', id: undefined }))
  assert.ok(!isRepeatable(CALLS.runsStart, { runs: [{ id: 'run0aaaaaaaaaaaa' }, { job: 'a' }] }))
  assert.ok(isRepeatable(CALLS.runsTree, {}) && !isRepeatable(CALLS.runsCancel, {}))
})

test('every input can be shown as JSON Schema, and refuses what it does not know', () => {
  for (const { noun, verb, input } of Object.values(CALLS)) {
    assert.ok(z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }))
    assert.equal(input.safeParse({ notAField: 1 }).success, false, `${noun}.${verb}`)
  }
})

test('every call is in PROTOCOL, every code in ERRORS', () => {
  const [protocol, errors] = [document('PROTOCOL.md'), document('ERRORS.md')]
  for (const { noun, verb } of Object.values(CALLS)) assert.ok(protocol.includes(`${noun}.${verb}`), `${noun}.${verb}`)
  for (const code of Object.keys(ERROR_CODES)) assert.ok(errors.includes(`\`${code}\``), code)
})
