import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoffMs, backoffSchema, type DelayBackoff, isExcluded, nonRetryableField, stepPolicySchema } from './backoff.ts'
import { CarillonError } from './errors.ts'
import { parseInput } from './fields.ts'
import { jobInputSchema } from './job.ts'

const waits = (backoff: DelayBackoff, failures: number, task = 'task') =>
  Array.from({ length: failures }, (_, i) => backoffMs(backoff, { failed: i + 1, seed: `${task}/${i + 1}` }))
const tasks = Array.from({ length: 2_000 }, (_, i) => `run${i}`)

test('the last delay of a list repeats', () => {
  assert.deepEqual(waits({ type: 'list', delaysMs: [10, 500, 70] }, 6), [10, 500, 70, 70, 70, 70])
  assert.deepEqual(waits({ type: 'list', delaysMs: [0] }, 2), [0, 0])
})

test('a jitter shortens each wait by up to its share, evenly over the tasks, and by the same for one task and attempt', () => {
  const backoff: DelayBackoff = { type: 'fixed', delayMs: 10_000, jitter: 0.2 }
  const first = tasks.map((task) => waits(backoff, 1, task)[0] as number)
  assert.deepEqual(
    first,
    tasks.map((task) => waits(backoff, 1, task)[0] as number),
  )
  assert.ok(first.every((ms) => ms >= 8_000 && ms <= 10_000))
  const tenths = Array.from({ length: 10 }, (_, i) => first.filter((ms) => Math.min(9, Math.floor((ms - 8_000) / 200)) === i).length)
  for (const count of tenths) assert.ok(count > 120 && count < 280, String(tenths))
  assert.equal(new Set(waits(backoff, 20)).size > 15, true, 'attempts of one task differ')
  assert.deepEqual(waits({ ...backoff, jitter: 0 }, 2), [10_000, 10_000])
  assert.ok(waits({ ...backoff, jitter: 1 }, 100).some((ms) => ms < 1_000))
  assert.ok(waits({ type: 'exponential', delayMs: 1_000, factor: 10, maxMs: 5_000, jitter: 0.5 }, 50).every((ms) => ms <= 5_000))
})

test('a random wait lies between its bounds, both included', () => {
  const between = (minMs: number, maxMs: number) => tasks.map((task) => waits({ type: 'random', minMs, maxMs }, 1, task)[0] as number)
  assert.deepEqual([...new Set(between(3, 5))].sort(), [3, 4, 5])
  assert.deepEqual([...new Set(between(7, 7))], [7])
})

test('an error is excluded by its name or its code', () => {
  const failure = { name: 'TypeError', code: 'ENOTFOUND' }
  const cases: [boolean, string[] | undefined][] = [
    [true, ['TypeError']],
    [true, ['RangeError', 'ENOTFOUND']],
    [false, ['Error', 'typeerror', 'TypeErr']],
    [false, undefined],
  ]
  for (const [expected, names] of cases) assert.equal(isExcluded(failure, names), expected, String(names))
  assert.equal(isExcluded({ name: 'undefined' }, ['x']), false)
  assert.equal(isExcluded(undefined, ['undefined']), false)
})

test('what is wrong is refused with its field, its value and what would be right', () => {
  const delay = 'Use whole milliseconds from 0 up to 10 years.'
  const cases: [backoff: unknown, code: string, field: string, value: string, hint: RegExp | string][] = [
    [{ type: 'linear' }, 'INVALID_REQUEST', 'backoff.type', '"linear"', /type is "fixed", "exponential", "list", "random" or "cron"/],
    [{ type: 'list', delaysMs: [] }, 'INVALID_REQUEST', 'backoff.delaysMs', '[]', 'Give 1 to 100 delays.'],
    [{ type: 'list', delaysMs: Array(101).fill(1) }, 'INVALID_REQUEST', 'backoff.delaysMs', '', 'Give 1 to 100 delays.'],
    [{ type: 'list', delaysMs: [1, -1] }, 'INVALID_DELAY', 'backoff.delaysMs.1', '-1', delay],
    [{ type: 'list', delaysMs: '1s' }, 'INVALID_REQUEST', 'backoff.delaysMs', '"1s"', 'Use a list.'],
    [{ type: 'list' }, 'INVALID_REQUEST', 'backoff.delaysMs', 'undefined', 'Use a list.'],
    [{ type: 'random', minMs: 10, maxMs: 9 }, 'INVALID_REQUEST', 'backoff.maxMs', '9', 'maxMs must not be below minMs.'],
    [{ type: 'random', minMs: 1.5, maxMs: 9 }, 'INVALID_DELAY', 'backoff.minMs', '1.5', delay],
    [{ type: 'random', minMs: 1, maxMs: 9, jitter: 0.1 }, 'INVALID_REQUEST', 'backoff.jitter', '0.1', /there is no such field/],
    [{ type: 'fixed', delayMs: 1, jitter: 2 }, 'INVALID_REQUEST', 'backoff.jitter', '2', /a share from 0 to 1/],
    [{ type: 'fixed', delayMs: 1, jitter: -0.1 }, 'INVALID_REQUEST', 'backoff.jitter', '-0.1', /a share from 0 to 1/],
    [{ type: 'fixed', delayMs: 1, jitter: '20%' }, 'INVALID_REQUEST', 'backoff.jitter', '"20%"', 'Use a number.'],
    [{ type: 'exponential', delayMs: 10, maxMs: 9 }, 'INVALID_REQUEST', 'backoff.maxMs', '9', 'maxMs must not be below delayMs.'],
    [{ type: 'cron' }, 'INVALID_REQUEST', 'backoff.cron', 'undefined', 'Use text.'],
    [{ type: 'cron', cron: '* * * * *', jitter: 0.1 }, 'INVALID_REQUEST', 'backoff.jitter', '0.1', /there is no such field/],
  ]
  const refusal = (job: object) => {
    try {
      parseInput(jobInputSchema, { name: 'a', ...job }, 'job')
    } catch (error) {
      if (CarillonError.is(error)) return error
    }
    return assert.fail(JSON.stringify(job))
  }
  for (const [backoff, code, field, value, hint] of cases) {
    const error = refusal({ backoff })
    const why = `${JSON.stringify(backoff)}: ${error.details.field} ${error.details.value} ${error.details.hint}`
    assert.deepEqual([error.code, error.details.field], [code, field], why)
    if (value !== '') assert.equal(error.details.value, value, why)
    if (typeof hint === 'string') assert.equal(error.details.hint, hint, why)
    else assert.match(error.details.hint ?? '', hint, why)
  }
  for (const [nonRetryable, field] of [
    [[], 'nonRetryable'],
    [Array(51).fill('E'), 'nonRetryable'],
    ['TypeError', 'nonRetryable'],
    [[''], 'nonRetryable.0'],
    [[TypeError], 'nonRetryable.0'],
  ])
    assert.equal(refusal({ nonRetryable }).details.field, field)
})

test('defaults are filled in', () => {
  assert.deepEqual(parseInput(backoffSchema, { type: 'cron', cron: '@daily' }), { type: 'cron', cron: '@daily', timezone: 'UTC' })
  assert.deepEqual(parseInput(nonRetryableField, ['TypeError']), ['TypeError'])
  assert.deepEqual(parseInput(stepPolicySchema, {}), {})
})
