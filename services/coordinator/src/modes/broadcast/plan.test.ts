import assert from 'node:assert/strict'
import { test } from 'node:test'
import { POISON_AFTER } from '@carillon/contracts'
import { aRun, aTask } from '@carillon/store/testing'
import { decideLegLoss, decideLegMove, isSeatOf, planBroadcast, seatRecord } from './plan.ts'

const NOW = Date.UTC(2026, 5, 1)
const run = aRun(1, { mode: 'broadcast', state: 'running', queuedAt: null })

test('a broadcast has a task for each instance that lives when it begins, and waits while there is none', () => {
  const queued = { ...run, state: 'queued', queuedAt: NOW } as const
  assert.deepEqual(planBroadcast({ run: queued, counts: {}, offering: [], now: NOW }), [{ do: 'check-again', afterMs: 2_000 }])
  const [create, decide] = planBroadcast({ run: queued, counts: {}, offering: ['i-1', 'i-2'], now: NOW })
  assert.deepEqual(create?.do === 'create' && [...create.tasks].map(({ id, target, total }) => [id, target, total]), [
    [`${run.id}-00000`, 'i-1', 2],
    [`${run.id}-00001`, 'i-2', 2],
  ])
  assert.equal(decide?.do === 'decide' && decide.decision.set.state, 'running')
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

test('a leg that has lost three instances in a row is poison, however many are left', () => {
  const leg = aTask(run.id, 0, { state: 'running', owner: 'i-0', startedAt: NOW, losses: POISON_AFTER - 1 })
  const { event, set } = decideLegLoss(leg, ['i-7', 'i-8'], NOW)
  assert.deepEqual([event, set.state, set.reason, set.target], ['failed', 'failed', 'poison', undefined])
})

test('a leg that gives way to another one has had no attempt there', () => {
  const leg = aTask(run.id, 1, { state: 'queued', target: 'i-7', attempt: 2, losses: 1 })
  const { expect, set } = decideLegMove(leg, ['i-8', 'i-9'], NOW)
  assert.deepEqual(expect, { state: ['queued'], attempt: 2 })
  assert.deepEqual([set.state, set.target, set.attempt, set.attempts, set.losses], ['queued', 'i-9', 3, leg.attempts + 1, undefined])
  assert.deepEqual([decideLegMove(leg, [], NOW).set.state, decideLegMove(leg, [], NOW).set.reason], ['failed', 'instance-lost'])
})

test('a seat is the first leg that chose the instance', () => {
  const [first, second] = [aTask(run.id, 0, { target: 'i-7' }), aTask(run.id, 1, { target: 'i-7' })]
  assert.equal(seatRecord(first, NOW).id, seatRecord(second, NOW).id)
  assert.deepEqual([isSeatOf(seatRecord(first, NOW), first), isSeatOf(seatRecord(first, NOW), second)], [true, false])
})
