import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timelineOf } from './timeline.ts'

const at = (second: number) => new Date(second * 1_000).toISOString()

test('a run that was retried waited, failed, and ran', () => {
  const { steps, phases } = timelineOf({ createdAt: at(0), firstStartedAt: at(2), startedAt: at(8), endedAt: at(10) }, 99_000)
  assert.deepEqual(
    steps.map(({ kind }) => kind),
    ['created', 'first', 'attempt', 'ended'],
  )
  assert.deepEqual(phases, [
    { kind: 'waited', ms: 2_000, share: 0.2 },
    { kind: 'earlier', ms: 6_000, share: 0.6 },
    { kind: 'ran', ms: 2_000, share: 0.2 },
  ])
})

test('one that has not started only waits, until now', () => {
  const { steps, phases } = timelineOf({ createdAt: at(0) }, 5_000)
  assert.deepEqual(
    steps.map(({ kind }) => kind),
    ['created', 'now'],
  )
  assert.deepEqual(phases, [{ kind: 'waited', ms: 5_000, share: 1 }])
})

test('a clock that is behind gives no negative parts', () => {
  assert.deepEqual(timelineOf({ createdAt: at(5), startedAt: at(4), endedAt: at(4) }, 0).phases, [])
})
