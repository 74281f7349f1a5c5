import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gaugesOf, type OpenLife, queuesOf, waitingReason } from './queues.ts'

const life = (fields: Partial<OpenLife>): OpenLife => ({
  ...{ id: 'r', runId: 'r', namespace: 'default', job: null, handler: 'work', state: 'queued', reason: null },
  ...{ gate: null, gateKey: null, since: 90, isTask: true, ...fields },
})
const OFFERED = { instances: 2, available: 1 }

test('what waits has one reason, and what runs has none', () => {
  const of = (fields: Partial<OpenLife>, available = 1) => waitingReason(life(fields), { instances: 1, available })
  assert.equal(of({}), 'queued')
  assert.equal(of({}, 0), 'no-instance')
  assert.equal(of({ reason: 'no-compatible-instance' }), 'no-instance')
  assert.equal(of({ state: 'waiting', reason: 'gate' }), 'gate')
  assert.equal(of({ state: 'paused' }), 'paused')
  assert.equal(of({ state: 'delayed' }), 'delayed')
  assert.equal(of({ state: 'running' }), undefined)
  assert.equal(of({ isTask: false }), undefined, 'of a fan-out run its tasks are counted')
})

test('queues by handler: those that wait for an instance or a gate, the oldest of these, and those that run', () => {
  const lives = [
    life({ runId: 'a', since: 50 }),
    life({ runId: 'b', state: 'delayed', since: 10 }),
    life({ state: 'waiting', gate: 'g', since: 70 }),
    life({ state: 'running' }),
    life({ state: 'running', isTask: false }),
    life({ handler: 'other', state: 'cancelling' }),
  ]
  const queues = queuesOf(lives, { at: 100, offered: ['work', 'idle'], offeringOf: () => OFFERED })
  assert.deepEqual(queues, [
    { handler: 'idle', waiting: 0, reasons: {}, running: 0, ...OFFERED },
    { handler: 'other', waiting: 0, reasons: {}, running: 1, ...OFFERED },
    { handler: 'work', waiting: 2, reasons: { queued: 1, delayed: 1, gate: 1 }, running: 1, ...OFFERED, oldestMs: 50, oldestRunId: 'a' },
  ])
  assert.deepEqual(gaugesOf(queues), { running: 2, queued: 1, oldestMs: 50 })
})
