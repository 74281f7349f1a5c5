import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aRun } from '@carillon/store/testing'
import type { Decision } from '../../runs/rules/decision.ts'
import {
  decideToCheckAgain,
  decideToQueue,
  decideToTakeAway,
  isAssigned,
  mayBeAssigned,
  nextCheckOfAssigned,
  unassigned,
} from './assigned.ts'

const NOW = 1_000_000
const assigned = aRun(1, { target: 'i-1', ownerSession: 's1', wakeAt: NOW, attempts: 3, queuedAt: null })

test('a new single run that any instance may have is assigned', () => {
  assert.equal(mayBeAssigned(aRun(1, { queuedAt: NOW })), true)
})

for (const [why, fields] of Object.entries({
  'one that waits': { state: 'waiting' },
  'one that is delayed': { state: 'delayed', wakeAt: NOW },
  'one that has tasks': { mode: 'shards' },
  'one that is routed': { routing: { route: 'first' } },
  'one that something else wakes': { wakeAt: NOW },
  'one with a deadline or a priority': { terms: { priority: 'high' } },
  'one with a large payload': { payload: JSON.stringify('x'.repeat(16 * 1024)) },
} as const))
  test(`it goes by the work queue: ${why}`, () => assert.equal(mayBeAssigned(aRun(1, fields as object)), false))

test('it is assigned until it begins; one that is routed, or bound to a program, has its instance from elsewhere', () => {
  assert.equal(isAssigned(assigned), true)
  assert.equal(isAssigned({ ...assigned, target: null }), false)
  assert.equal(isAssigned({ ...assigned, state: 'running' }), false)
  assert.equal(isAssigned({ ...assigned, routing: { route: 'first' } }), false)
  assert.equal(isAssigned({ ...assigned, pinnedAt: NOW }), false)
  assert.equal(isAssigned({ ...assigned, queuedAt: NOW }), false, 'a coordinator of an earlier version has put it into the work queue')
})

test('what is decided about it is refused once another coordinator has checked it, given it away, or it has begun', () => {
  for (const { expect } of [decideToQueue(assigned, { now: NOW }), decideToCheckAgain(assigned, NOW), decideToTakeAway(assigned, NOW)])
    assert.deepEqual(expect, { state: ['queued'], attempt: 1, owner: [null], target: 'i-1', wakeAt: NOW })
})

test('one that is declined goes to the work queue as it is; after an offer as a further attempt that uses no try', () => {
  const declined = { state: 'queued', target: null, ownerSession: null, wakeAt: null, queuedAt: NOW }
  assert.deepEqual(decideToQueue(assigned, { now: NOW }).set, declined)
  assert.deepEqual(decideToQueue(assigned, { now: NOW, mayBeThere: true }).set, { ...declined, attempt: 2, attempts: 4, sleeps: 1 })
})

test('without an answer after its check another instance gets it, as a further attempt that uses no try, and it is no suspect', () => {
  const { event, set } = decideToTakeAway(assigned, NOW)
  assert.deepEqual(
    [event, set.state, set.target, set.attempt, set.attempts, set.sleeps, set.losses],
    ['released', 'queued', null, 2, 4, 1, undefined],
  )
})

test('it is checked again after the time in which an instance that lives would have begun it', () => {
  assert.deepEqual(decideToCheckAgain(assigned, NOW).set, { wakeAt: nextCheckOfAssigned(NOW) })
  assert.equal(nextCheckOfAssigned(NOW), NOW + 10_000)
})

const queuedBy = (event: Decision['event']): Decision => ({
  event,
  expect: { state: ['queued'], attempt: 1 },
  set: { state: 'queued', reason: 'released', queuedAt: NOW },
})

test('whatever queues it again leaves it to all instances', () => {
  for (const event of ['lost', 'due', 'restarted'] as const)
    assert.deepEqual(unassigned(assigned, queuedBy(event)).set, { state: 'queued', reason: 'released', queuedAt: NOW, target: null })
})

test('one that was released has no message that had to be claimed: it is a further attempt that uses no try', () => {
  const { set } = unassigned(assigned, queuedBy('released'))
  assert.deepEqual(set, { state: 'queued', reason: null, queuedAt: NOW, target: null, attempt: 2, attempts: 4, sleeps: 1 })
})

test('other decisions, and those about other runs, stay as they are', () => {
  const begun: Decision = { event: 'started', expect: { state: ['queued'] }, set: { state: 'running' } }
  for (const decision of [begun, decideToCheckAgain(assigned, NOW)]) assert.equal(unassigned(assigned, decision), decision)
  const released = queuedBy('released')
  for (const other of [{ target: null }, { routing: { route: 'first' } as const }, { pinnedAt: NOW }])
    assert.equal(unassigned({ ...assigned, ...other }, released), released)
})
