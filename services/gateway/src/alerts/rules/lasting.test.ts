import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatsQueues } from '@carillon/contracts'
import { aJob, aRun } from '@carillon/store/testing'
import { failure, NOW, ruleWith } from '../testing/alert-facts.ts'
import {
  approvalFacts,
  fullGateFacts,
  lateFacts,
  noInstanceFacts,
  noProgramFacts,
  oldQueueFacts,
  overdueFacts,
  skippedFacts,
  uninhibited,
} from './lasting.ts'
import { causeOf, matches } from './matching.ts'

const MINUTE = 60_000
const at = { namespace: 'default', now: NOW, graceMs: 5 * MINUTE }
const run = (fields: Parameters<typeof aRun>[1]) => aRun(1, { job: 'report', slot: NOW - 6 * MINUTE, ...fields })
const causes = (facts: readonly { readonly cause: { readonly name: string } }[]) => facts.map(({ cause }) => cause.name)

test('late: waits since its slot, or has just started after it', () => {
  const late = (fields: Parameters<typeof aRun>[1]) => lateFacts([run(fields)], at).length
  assert.equal(late({}), 1)
  assert.equal(late({ slot: NOW - 4 * MINUTE }), 0)
  assert.equal(late({ slot: null }), 0)
  assert.equal(late({ job: null }), 0)
  assert.equal(late({ namespace: 'shop' }), 0)
  assert.equal(late({ state: 'running', startedAt: NOW - 1_000 }), 1)
  assert.equal(late({ state: 'running', startedAt: NOW - 2 * MINUTE }), 0)
  assert.equal(late({ state: 'running', startedAt: NOW - 5_000, slot: NOW - MINUTE }), 0)
  assert.equal(late({ state: 'running', startedAt: NOW - 1_000, firstStartedAt: NOW - 2 * MINUTE }), 0, 'another attempt')
  assert.equal(late({ attempt: 2 }), 0, 'it waits for another attempt, or was retried by hand')
  assert.equal(late({ slot: NOW - 9 * 86_400_000, gate: 'gb3xabc' }), 0, 'a past slot that was fired on purpose')
})

test('missing: a slot that was not fired, or was skipped as missed', () => {
  assert.deepEqual(causes(overdueFacts([aJob('report', { wakeAt: NOW - MINUTE })], at)), ['report'])
  assert.deepEqual(
    overdueFacts([aJob('report', { wakeAt: NOW, state: 'paused' }), aJob('b', { wakeAt: null }), aJob('c', { namespace: 'shop' })], at),
    [],
  )
  assert.deepEqual(causes(skippedFacts([run({ state: 'skipped', reason: 'misfire' }), run({ state: 'skipped', reason: 'overlap' })], at)), [
    'report',
  ])
})

const queue = (handler: string, fields: object = {}) => ({
  handler,
  waiting: 3,
  reasons: { queued: 3 },
  oldestMs: 6 * MINUTE,
  oldestRunId: 'run1',
  running: 0,
  instances: 1,
  available: 1,
  ...fields,
})
const queues = (handlers: StatsQueues['handlers'], gates: StatsQueues['gates'] = []): StatsQueues => ({ at: '', handlers, gates })

test('handlers without instances, and queues that are too old', () => {
  const all = queues([
    queue('a', { instances: 0 }),
    queue('b'),
    queue('c', { waiting: 0, instances: 0 }),
    queue('d', { reasons: { 'no-instance': 1 }, oldestMs: MINUTE }),
  ])
  assert.deepEqual(causes(noInstanceFacts(all, at)), ['a', 'd'])
  assert.deepEqual(causes(oldQueueFacts(all, at)), ['a', 'b'])
  assert.equal(noInstanceFacts(all, at)[0]?.at, NOW - 6 * MINUTE)
})

test('gates that are full, of a job or of a handler', () => {
  const gate = { waiting: 2, oldestMs: MINUTE, holders: 1, limit: 1, isFull: true }
  const facts = fullGateFacts(
    queues(
      [],
      [
        { job: 'report', key: '"eu"', ...gate },
        { handler: 'hello', ...gate },
        { job: 'b', ...gate, isFull: false },
      ],
    ),
    at,
  )
  assert.deepEqual(
    facts.map(({ cause }) => cause),
    [
      { kind: 'job', name: 'report' },
      { kind: 'handler', name: 'hello' },
    ],
  )
  assert.match(facts[0]?.example.what ?? '', /with key "eu"/)
})

test('programs that nobody has, and approvals', () => {
  const program = {
    program: 'order@1',
    handler: 'order',
    instances: [],
    accepting: [],
    open: 2,
    waiting: 2,
    since: new Date(NOW - MINUTE).toISOString(),
  }
  assert.deepEqual(causes(noProgramFacts([program, { ...program, accepting: ['i-1'] }, { ...program, open: 0 }], at)), ['order'])
  const [fact] = approvalFacts(run({ job: 'release' }), [{ node: 'sign', since: NOW }])
  assert.deepEqual([fact?.cause.name, fact?.example.node], ['release', 'sign'])
})

test('no instance mutes the queue and the lateness of its handler, and nothing else', () => {
  const facts = (['late', 'queue-too-old', 'gate-full'] as const).map((scene) => failure(0, { scene, handler: 'hello' }))
  assert.deepEqual(
    uninhibited(facts, new Set(['hello'])).map(({ scene }) => scene),
    ['gate-full'],
  )
  assert.equal(uninhibited(facts, new Set(['other'])).length, 3)
})

test('a rule is about what all its restrictions allow', () => {
  const is = (fields: object, fact: object = {}) => matches(ruleWith({ scene: 'run-failed', ...fields }), failure(0, fact))
  assert.ok(is({}) && is({ jobs: ['report'] }) && is({ jobs: ['x', 'rep*'], handlers: ['*'] }))
  assert.ok(!is({ jobs: ['repor'] }) && !is({ jobs: ['rep*'], handlers: ['other'] }) && !is({ enabled: false }))
  assert.ok(!is({ jobs: ['*'] }, { job: undefined }) && !is({}, { namespace: 'shop' }) && !is({}, { scene: 'run-expired' }))
  const lost = ruleWith({ scene: 'instance-lost', instances: ['worker'], groupBy: 'rule' })
  const fact = failure(0, { scene: 'instance-lost', instance: 'i-1', service: 'worker' })
  assert.ok(matches(lost, fact) && !matches(lost, { ...fact, service: 'web' }))
  assert.deepEqual(causeOf(lost, fact), { kind: 'all', name: 'rule' })
})
