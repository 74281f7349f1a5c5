import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DemandFacts, demand, mostHeld, nextAverage, PaceMeter, readAhead } from './demand.ts'

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

test('very short tasks are taken ahead for 30 ms of the pace at which they end, 1,000 at most; longer ones are not, whatever the pace', () => {
  assert.equal(readAhead(10, { averageMs: 1, endedPerMs: 10 }), 300)
  assert.equal(readAhead(10, { averageMs: 1, endedPerMs: 0.1 }), 20)
  assert.equal(readAhead(10, { averageMs: 1, endedPerMs: 100 }), 1_000)
  assert.equal(readAhead(1_000, { averageMs: 1, endedPerMs: 100 }), 2_000)
  assert.equal(readAhead(10, { averageMs: 5, endedPerMs: 10 }), 10)
  assert.equal(readAhead(10, { averageMs: 20, endedPerMs: 10 }), 0)
})

test('at most those are held that run, and those that are taken ahead; none while the broker does not confirm', () => {
  const most = (unconfirmed: number, pace: DemandFacts['pace']) => mostHeld({ concurrency: 10, unconfirmed, pace })
  assert.deepEqual([most(0, idle.pace), most(1_999, short), most(2_000, short)], [10, 30, 0])
})

/** Tasks of so long that end one after another, so many in a millisecond, for a while. */
function endIn(meter: PaceMeter, from: number, { forMs, perMs, durationMs }: { forMs: number; perMs: number; durationMs: number }) {
  for (let i = 1; i <= forMs * perMs; i++) meter.ended(durationMs, from + i / perMs)
}

test('a pace is measured over 50 ms; after a pause it is not known until it is measured anew', () => {
  const meter = new PaceMeter()
  meter.ended(2, 100_000)
  assert.deepEqual([meter.averageMs, meter.endedPerMs], [2, 0], 'the first one says nothing')
  endIn(meter, 100_000, { forMs: 49, perMs: 4, durationMs: 2 })
  assert.equal(meter.endedPerMs, 0)
  endIn(meter, 100_049, { forMs: 1, perMs: 4, durationMs: 2 })
  assert.equal(meter.endedPerMs, 4)
  endIn(meter, 100_050, { forMs: 100, perMs: 2, durationMs: 2 })
  assert.ok(Math.abs(meter.endedPerMs - 2) < 0.1, String(meter.endedPerMs))
  meter.ended(2, 101_200)
  assert.equal(meter.endedPerMs, 0)
  endIn(meter, 101_200, { forMs: 50, perMs: 8, durationMs: 2 })
  assert.ok(Math.abs(meter.endedPerMs - 8) < 0.1, String(meter.endedPerMs))
})

test('one that runs for longer than the average raises it at once, one that has begun just now does not lower it', () => {
  const meter = new PaceMeter()
  meter.takes(3)
  assert.equal(meter.averageMs, 3)
  meter.takes(500)
  meter.takes(1)
  assert.equal(meter.averageMs, 500)
})
