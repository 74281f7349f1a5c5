import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DemandFacts, demand, nextAverage, readAhead } from './demand.ts'

const idle: DemandFacts = {
  concurrency: 10,
  running: 0,
  waiting: 0,
  requested: 0,
  unconfirmed: 0,
  pace: { averageMs: undefined, endedPerMs: 0 },
}
const short = { averageMs: 1, endedPerMs: 0 }

test('slow or unknown tasks: never more than the free slots', () => {
  for (const averageMs of [undefined, 20, 5_000]) {
    assert.equal(demand({ ...idle, pace: { averageMs, endedPerMs: 0 } }), 10)
    assert.equal(demand({ ...idle, pace: { averageMs, endedPerMs: 0 }, running: 4, requested: 5 }), 1)
    assert.equal(demand({ ...idle, pace: { averageMs, endedPerMs: 0 }, running: 10 }), 0)
    assert.equal(demand({ ...idle, pace: { averageMs, endedPerMs: 0 }, running: 10, waiting: 20 }), 0)
  }
})

test('short tasks are taken ahead, very short ones further', () => {
  assert.equal(readAhead(100, { averageMs: 10, endedPerMs: 0 }), 100)
  assert.equal(readAhead(100, { averageMs: 1, endedPerMs: 0 }), 200)
  assert.equal(readAhead(1, { averageMs: 1, endedPerMs: 0 }), 16)
  assert.equal(demand({ ...idle, pace: short, running: 10 }), 20)
})

test('short tasks are requested in groups, but never left without', () => {
  assert.equal(demand({ ...idle, pace: short, running: 10, waiting: 18 }), 0)
  assert.equal(demand({ ...idle, pace: short, running: 10, waiting: 10 }), 10)
  assert.equal(demand({ ...idle, concurrency: 1, pace: short, running: 1 }), 16)
})

test('nothing is taken while the broker does not confirm', () => {
  assert.equal(demand({ ...idle, unconfirmed: 2_000 }), 0)
})

test('the average follows within some tens of tasks', () => {
  let average = nextAverage(undefined, 1_000)
  for (let i = 0; i < 100; i++) average = nextAverage(average, 1)
  assert.ok(average < 20)
})
