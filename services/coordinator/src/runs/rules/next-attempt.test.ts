import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Backoff, CarillonError, type FinishedReport, LIMITS } from '@carillon/contracts'
import { aRun } from '@carillon/store/testing'
import { type Decision, isRefused } from './decision.ts'
import { decideReport } from './life.ts'
import { checkBackoff, nextAttempt } from './next-attempt.ts'

const NOW = Date.UTC(2026, 5, 1, 12, 0, 30)
const HORIZON_MS = LIMITS.horizonYears * 365 * 86_400_000
const running = (fields: Parameters<typeof aRun>[1] = {}) =>
  aRun(1, { state: 'running', owner: 'i-1', startedAt: NOW - 500, queuedAt: null, tries: 5, attempts: 5, ...fields })
const next = (backoff: Backoff, { attempt = 1, retryAfterMs = 0, id = 'run0000000000001' } = {}) => {
  const { wakeAt, delayMs } = nextAttempt({ id, attempt, attempts: 5 }, { policy: running({ backoff }), now: NOW, retryAfterMs })
  return { afterMs: wakeAt - NOW, delayMs }
}

function end(life: ReturnType<typeof aRun>, fields: Partial<FinishedReport>): Decision {
  const report: FinishedReport = { runId: life.id, taskId: life.id, attempt: life.attempt, type: 'finished', outcome: 'failed', ...fields }
  const decision = decideReport(life, report, { policy: life, instance: 'i-1', now: NOW })
  assert.ok(!isRefused(decision))
  return decision
}

test('the next attempt begins after a delay of the list, at a random moment, or at a time of the clock', () => {
  const list: Backoff = { type: 'list', delaysMs: [10, 2_000] }
  assert.deepEqual(
    [1, 2, 3, 4].map((attempt) => next(list, { attempt }).afterMs),
    [10, 2_000, 2_000, 2_000],
  )
  const hourly: Backoff = { type: 'cron', cron: '0 * * * *', timezone: 'UTC' }
  assert.deepEqual(next(hourly), { afterMs: 59 * 60_000 + 30_000, delayMs: null }, 'a time, which a clock that is set moves with it')
  const nine: Backoff = { type: 'cron', cron: '0 9 * * *', timezone: 'Europe/Paris' }
  assert.equal(new Date(NOW + next(nine).afterMs).toISOString(), '2026-06-02T07:00:00.000Z')
  const random = next({ type: 'random', minMs: 100, maxMs: 900 })
  assert.ok(random.afterMs >= 100 && random.afterMs <= 900)
  assert.equal(random.delayMs, random.afterMs)
})

test('a handler that says when to retry is not tried before, and at a time of the expression', () => {
  const hourly: Backoff = { type: 'cron', cron: '0 * * * *', timezone: 'UTC' }
  const hour = (n: number) => n * 3_600_000 - 30_000
  assert.equal(next(hourly, { retryAfterMs: 1_000 }).afterMs, hour(1))
  assert.equal(next(hourly, { retryAfterMs: hour(1) }).afterMs, hour(1))
  assert.equal(next(hourly, { retryAfterMs: hour(1) + 1 }).afterMs, hour(2))
  assert.ok(next(hourly, { retryAfterMs: 1e300 }).afterMs <= HORIZON_MS + 3_600_000)
  assert.equal(next({ type: 'list', delaysMs: [5] }, { retryAfterMs: 90.5 }).afterMs, 91)
  assert.equal(next({ type: 'random', minMs: 5, maxMs: 6 }, { retryAfterMs: 1e300 }).afterMs, HORIZON_MS)
})

test('what is random is the same for a decision that is repeated, and another one for the next attempt and for another task', () => {
  const random: Backoff = { type: 'random', minMs: 0, maxMs: 1_000_000_000 }
  const jitter: Backoff = { type: 'fixed', delayMs: 1_000_000_000, jitter: 1 }
  for (const backoff of [random, jitter]) {
    const of = (options: Parameters<typeof next>[1]) => next(backoff, options).afterMs
    assert.equal(of({}), of({}))
    assert.equal(new Set([of({}), of({ attempt: 2 }), of({ id: 'run0000000000002' })]).size, 3)
  }
})

test('an error that is not to be retried ends its task, by name or code, whatever tries are left', () => {
  const life = running({ terms: { nonRetryable: ['TypeError', 'ENOTFOUND', 'TimeoutError'] } })
  const ends = (fields: Partial<FinishedReport>) => {
    const { event, set } = end(life, fields)
    return [event, set.state, set.reason]
  }
  assert.deepEqual(ends({ error: { name: 'TypeError', message: '' } }), ['failed', 'failed', 'non-retryable'])
  assert.deepEqual(ends({ error: { name: 'E', message: '', code: 'ENOTFOUND' } }), ['failed', 'failed', 'non-retryable'])
  assert.deepEqual(ends({ error: { name: 'RangeError', message: 'TypeError' } }), ['retried', 'delayed', 'retry'])
  assert.deepEqual(ends({ outcome: 'timed_out', error: { name: 'TimeoutError', message: '' } }), [
    'timed_out',
    'timed_out',
    'attempt-timeout',
  ])
  assert.equal(end(running(), { error: { name: 'TypeError', message: '' } }).event, 'retried')
})

test('a cron expression is checked as that of a schedule is', () => {
  const refusal = (cron: string, timezone = 'UTC') => {
    try {
      checkBackoff({ type: 'cron', cron, timezone }, NOW)
    } catch (error) {
      if (CarillonError.is(error)) return [error.code, error.details.field, error.details.value]
    }
    return undefined
  }
  assert.equal(refusal('0 9 * * MON-FRI', 'Europe/Paris'), undefined)
  assert.equal(refusal('@hourly'), undefined)
  assert.deepEqual(refusal('* *'), ['INVALID_CRON', 'backoff.cron', '"* *"'])
  assert.deepEqual(refusal('*/61 * * * *'), ['INVALID_CRON', 'backoff.cron', '"*/61 * * * *"'])
  assert.deepEqual(refusal('0 0 31 4 *'), ['CRON_NEVER_FIRES', 'backoff.cron', '"0 0 31 4 *"'])
  assert.deepEqual(refusal('* * * * *', 'Mars/Olympus'), ['INVALID_TIME_ZONE', 'backoff.timezone', '"Mars/Olympus"'])
  checkBackoff(undefined, NOW)
  checkBackoff({ type: 'list', delaysMs: [1] }, NOW)
})
