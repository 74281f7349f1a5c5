import assert from 'node:assert/strict'
import { test } from 'node:test'
import type * as z from 'zod'
import type { CarillonError } from './errors.ts'
import { parseInput } from './fields.ts'
import { countText } from './hints.ts'
import { registerSchema } from './instance.ts'
import { jobInputSchema } from './job.ts'
import { startRunSchema } from './run.ts'

function hintFor(schema: z.ZodType, input: unknown): string | undefined {
  try {
    parseInput(schema, input)
  } catch (error) {
    return (error as CarillonError).details.hint
  }
  throw new Error(`was accepted: ${JSON.stringify(input)}`)
}

test('a hint says what would be right, never how a library says that something is wrong', () => {
  const job = (fields: object) => hintFor(jobInputSchema, { name: 'a', ...fields })
  assert.match(job({ frob: 1 }) ?? '', /no such field/)
  assert.match(job({ schedule: { cron: '* * * * *', everyMs: 1_000 } }) ?? '', /no such field/)
  assert.equal(job({ schedule: {} }), 'Give one of cron (with timezone), everyMs, afterMs or at.')
  assert.equal(job({ schedule: 'hourly' }), 'Give one of cron (with timezone), everyMs, afterMs or at.')
  assert.match(job({ backoff: { type: 'linear' } }) ?? '', /"fixed", "exponential", "list"/)
  assert.match(job({ backoff: 5 }) ?? '', /"fixed", "exponential", "list"/)
  assert.equal(job({ attempts: 1_001 }), 'Use at most 1,000.')
  assert.equal(job({ attempts: 1.5 }), 'Use a whole number.')
  assert.equal(job({ misfire: 'never' }), 'Use one of "once", "skip", "all".')
  assert.equal(job({ description: 5 }), 'Use text.')
  assert.equal(job({ labels: { '': 'x' } }), 'A label has a name.')
  for (const schedule of [{ at: new Date() }, { at: ['2030-01-31T09:00:00Z', new Date()] }, { cron: '@daily', startAt: new Date() }])
    assert.equal(job({ schedule }), 'Pass its toISOString().')
  assert.equal(hintFor(jobInputSchema, []), 'Use an object.')
  assert.equal(hintFor(startRunSchema, { job: 'a', key: '' }), 'Use at least 1 letter.')
  assert.equal(hintFor(startRunSchema, {}), 'Name either a job or a handler.')
  assert.equal(hintFor(registerSchema, { instance: 'i', service: 's', handlers: {} }), 'Use a list.')
  assert.match(hintFor(jobInputSchema, { name: '__proto__' }) ?? '', /reserved/)
})

test('counts are written as English writes them', () => {
  for (const count of [0, 7, 999, 1_000, 10_000, 123_456, 1_234_567, 2n ** 60n]) assert.equal(countText(count), count.toLocaleString('en'))
})
