import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_BACKOFF, LIMITS } from '@carillon/contracts'
import { shareOf } from '@carillon/store'
import { aJob, aRun } from '@carillon/store/testing'
import { payloadText, type RunOrigin, runOfRequest, runOfSlot, skippedRun, taskOfRun } from './new-run.ts'

const NOW = Date.UTC(2026, 5, 1)
const origin: RunOrigin = { id: 'r'.repeat(26), namespace: 'shop', trigger: 'call', traceparent: null, now: NOW }
const job = aJob('report', { handler: 'make-report', payload: '{"kind":"daily"}', attempts: 3, timeoutMs: 5_000, mode: 'broadcast' })

test('a request without a job has the defaults', () => {
  const run = runOfRequest({ handler: 'mail' }, undefined, origin)
  assert.deepEqual(
    [run.job, run.handler, run.payload, run.tries, run.attempts, run.backoff, run.timeoutMs, run.mode, run.trigger],
    [null, 'mail', 'null', 1, 1, DEFAULT_BACKOFF, null, 'single', 'call'],
  )
  assert.deepEqual([run.state, run.queuedAt, run.wakeAt, run.attempt, run.createdAt], ['queued', NOW, null, 1, NOW])
  assert.equal(run.share, shareOf(run.id))
  assert.equal(runOfRequest({ job: 'mail' }, undefined, origin).handler, 'mail')
  assert.equal(runOfRequest({ job: 'mail' }, undefined, origin).job, null)
})

test('what a request leaves open comes from the job, what it says wins', () => {
  const run = runOfRequest({ job: 'report' }, job, origin)
  assert.deepEqual(
    [run.job, run.handler, run.payload, run.attempts, run.timeoutMs, run.mode, run.backoff],
    ['report', 'make-report', '{"kind":"daily"}', 3, 5_000, 'broadcast', job.backoff],
  )
  const backoff = { type: 'fixed', delayMs: 1 } as const
  const own = runOfRequest({ job: 'report', payload: null, attempts: 7, timeoutMs: 9, mode: 'single', backoff, key: 'k' }, job, origin)
  assert.deepEqual(
    [own.payload, own.tries, own.attempts, own.timeoutMs, own.mode, own.backoff, own.key],
    ['null', 7, 7, 9, 'single', backoff, 'k'],
  )
})

test('a payload and an item that do not fit into one message are refused, of whichever the job has one', () => {
  const large = 'x'.repeat(LIMITS.payloadBytes - 10)
  const small = Array.from({ length: 5 }, () => 'y'.repeat(100_000))
  const withItems = aJob('report', { mode: 'shards', plan: { shards: 2 }, items: JSON.stringify(['a', large]) })
  const refused = {
    code: 'PAYLOAD_TOO_LARGE',
    message: /^payload and items\.1 have 1048\d{3} bytes as JSON together, the limit is 998000$/,
  }
  assert.throws(() => runOfRequest({ handler: 'mail', payload: large, items: ['a', large] }, undefined, origin), refused)
  assert.throws(
    () => runOfRequest({ job: 'report', items: ['a', large] }, { ...withItems, items: null, payload: JSON.stringify(large) }, origin),
    refused,
  )
  assert.throws(() => runOfRequest({ job: 'report', payload: large }, withItems, origin), refused)
  assert.equal(runOfRequest({ handler: 'mail', payload: large, items: small }, undefined, origin).plan?.shards, 5)
})

test('a run for later is delayed, one for now or before is queued', () => {
  const later = runOfRequest({ job: 'a', delayMs: 60 * 86_400_000 }, undefined, origin)
  assert.deepEqual([later.state, later.reason, later.wakeAt, later.queuedAt], ['delayed', 'delay', NOW + 60 * 86_400_000, null])
  const at = runOfRequest({ job: 'a', at: '2026-06-01T00:00:00.001Z' }, undefined, origin)
  assert.deepEqual([at.state, at.wakeAt], ['delayed', NOW + 1])
  for (const request of [{ delayMs: 0 }, { at: '2026-06-01T00:00:00Z' }, { at: '2001-01-01T00:00:00Z' }])
    assert.equal(runOfRequest({ job: 'a', ...request }, undefined, origin).state, 'queued')
})

test('a date lies at most ten years ahead', () => {
  assert.throws(() => runOfRequest({ job: 'a', at: '9999-12-31T23:59:59Z' }, undefined, origin), { code: 'INVALID_DATE' })
  assert.equal(runOfRequest({ job: 'a', at: '2036-06-01T00:00:00Z' }, undefined, origin).state, 'delayed')
})

test('payloads are checked by size, depth and numbers', () => {
  assert.equal(payloadText(undefined), 'null')
  assert.throws(() => payloadText('x'.repeat(LIMITS.payloadBytes)), { code: 'PAYLOAD_TOO_LARGE' })
  assert.throws(() => payloadText(2 ** 53), { code: 'INTEGER_TOO_LARGE' })
  assert.throws(() => payloadText(1n), { code: 'INVALID_JSON' })
})

test('a slot has the run of its job, missed ones a record that says which', () => {
  const slot = NOW - 5
  const run = runOfSlot(job, slot, { ...origin, trigger: 'schedule' })
  assert.deepEqual([run.job, run.slot, run.state, run.handler, run.trigger], ['report', slot, 'queued', 'make-report', 'schedule'])
  const skipped = skippedRun(job, { reason: 'misfire', from: slot - 60_000, to: slot, count: 2 }, origin)
  assert.deepEqual(
    [skipped.state, skipped.reason, skipped.endedAt, skipped.queuedAt, skipped.wakeAt],
    ['skipped', 'misfire', NOW, null, null],
  )
  assert.match(skipped.error?.message ?? '', /^2 missed slots from 2026-05-31T23:58:59\.995Z to 2026-05-31T23:59:59\.995Z/)
  assert.match(
    skippedRun(job, { reason: 'misfire', from: 0, to: 1, count: 1_001, atLeast: true }, origin).error?.message ?? '',
    /^at least 1001 missed/,
  )
})

test('a task of a fan-out run waits until it is freed, and has the tries of its run', () => {
  const run = aRun(1, { tries: 3, mode: 'shards' })
  const task = taskOfRun(run, { index: 2, total: 5, item: '{"a":1}' })
  assert.deepEqual(
    [
      task.id,
      task.runId,
      task.index,
      task.total,
      task.item,
      task.target,
      task.state,
      task.attempts,
      task.queuedAt,
      task.wakeAt,
      task.share,
    ],
    [`${run.id}-00002`, run.id, 2, 5, '{"a":1}', null, 'waiting', 3, null, null, run.share],
  )
})
