import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aRun, aTask } from '@carillon/store/testing'
import { type Counts, decideBegun, decideEnd, decideLegLoss } from './broadcast.ts'

const NOW = Date.UTC(2026, 5, 1)
const run = aRun(1, { mode: 'broadcast', state: 'running', queuedAt: null })

test('a run ends when all its tasks have: any failed, else any cancelled, else succeeded', () => {
  const cases: [Counts, string | undefined, string | undefined][] = [
    [{}, undefined, undefined],
    [{ succeeded: 2, running: 1 }, undefined, undefined],
    [{ failed: 2, queued: 1 }, undefined, undefined],
    [{ delayed: 1 }, undefined, undefined],
    [{ succeeded: 3 }, 'succeeded', 'completed'],
    [{ succeeded: 3, cancelled: 1 }, 'cancelled', 'tasks-cancelled'],
    [{ succeeded: 3, cancelled: 1, failed: 1 }, 'failed', 'tasks-failed'],
    [{ timed_out: 1 }, 'failed', 'tasks-failed'],
    [{ succeeded: 1, failed: 0, running: 0 }, 'succeeded', 'completed'],
  ]
  for (const [counts, state, reason] of cases) {
    const set = decideEnd(run, counts, NOW)?.set
    assert.deepEqual([set?.state, set?.reason], [state, reason], JSON.stringify(counts))
  }
  assert.equal(decideEnd({ ...run, state: 'cancelling' }, { cancelled: 1 }, NOW)?.set.reason, 'cancelled-by-request')
  assert.equal(decideEnd(run, { failed: 1, timed_out: 1, succeeded: 2 }, NOW)?.set.error?.message, '2 of 4 tasks failed')
})

test('a run whose tasks are made is running', () => {
  const { set, expect } = decideBegun({ ...run, state: 'queued' }, NOW)
  assert.deepEqual([set.state, set.startedAt, set.queuedAt, expect.state], ['running', NOW, null, ['queued']])
})

test('a leg whose instance is gone goes to an unused one, ends without one, and ends at once when it was being cancelled', () => {
  const leg = aTask(run.id, 0, { state: 'running', owner: 'i-0' })
  const moved = decideLegLoss(leg, ['i-7', 'i-8'], NOW).set
  assert.deepEqual([moved.state, moved.target, moved.attempt, moved.owner, moved.queuedAt], ['queued', 'i-7', 2, null, NOW])
  const ended = decideLegLoss(leg, [], NOW).set
  assert.deepEqual([ended.state, ended.reason, ended.endedAt], ['failed', 'instance-lost', NOW])
  const cancelled = decideLegLoss({ ...leg, state: 'cancelling' }, ['i-7'], NOW).set
  assert.deepEqual([cancelled.state, cancelled.reason], ['cancelled', 'cancelled-by-request'])
})
