import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aRun } from '@carillon/store/testing'
import type { Decision } from './decision.ts'
import { withFailedTry } from './failed-tries.ts'

const AT = 1_700_000_000_000
const error = { name: 'CardDeclined', message: 'no money' }
const decision = (event: Decision['event'], set: Decision['set'] = {}): Decision => ({ event, expect: { state: ['running'] }, set })
const noted = (run: Parameters<typeof aRun>[1], given: Decision) => withFailedTry(aRun(1, run), given, AT).set.terms?.failed

test('an attempt that another one follows is noted with when, where and why', () => {
  const run = { state: 'running', owner: 'worker-1', startedAt: AT - 50 } as const
  const failed = { attempt: 1, startedAt: AT - 50, at: AT, instance: 'worker-1', ...error }
  assert.deepEqual(noted(run, decision('retried', { state: 'delayed', error })), [failed])
  const lost = { name: 'InstanceLost', message: 'instance worker-1 was lost' }
  assert.deepEqual(noted(run, decision('lost', { state: 'queued' })), [{ ...failed, ...lost }])
  // An attempt so short that its begin was not stored: the report of its end says it.
  assert.deepEqual(noted({ owner: null }, { ...decision('retried', { error }), attemptBeganAt: AT - 9 }), [
    { attempt: 1, startedAt: AT - 9, at: AT, ...error },
  ])
})

test('a retry by hand notes what had ended it; a first success, and a last failure, note nothing', () => {
  const run = { state: 'failed', attempt: 3, endedAt: AT - 5_000, error, terms: { priority: 'high', failed: [], pausedMs: 5 } } as const
  const restarted = withFailedTry(aRun(1, run), decision('restarted', { error: null, terms: { priority: 'high' } }), AT)
  assert.deepEqual(restarted.set.terms, { priority: 'high', failed: [{ attempt: 3, at: AT - 5_000, ...error }] })
  for (const given of [decision('succeeded', { state: 'succeeded' }), decision('failed', { state: 'failed', error }), decision('started')])
    assert.equal(withFailedTry(aRun(1, { state: 'running' }), given, AT), given)
  assert.equal(noted({ state: 'cancelling' }, decision('lost', { state: 'cancelled' })), undefined)
})

test('the last 20 are kept, their messages cut', () => {
  const before = Array.from({ length: 20 }, (_, i) => ({ attempt: i + 1, at: AT, ...error }))
  const long = { name: 'Error', message: 'x'.repeat(1_000) }
  const all = noted({ state: 'running', attempt: 21, terms: { failed: before } }, decision('retried', { error: long })) ?? []
  assert.deepEqual([all.length, all[0]?.attempt, all.at(-1)?.attempt, all.at(-1)?.message.length], [20, 2, 21, 200])
})
