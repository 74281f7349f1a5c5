import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timelineOf } from './timeline.ts'

const at = (second: number) => new Date(second * 1_000).toISOString()
const parts = (run: object, now = 99_000) =>
  timelineOf({ attempt: 1, ...run } as never, now).phases.map(({ kind, ms }) => `${kind} ${ms / 1_000}`)

test('each attempt that failed stands by itself, with the pauses between', () => {
  const failed = [
    { attempt: 1, startedAt: at(2), at: at(4), instance: 'a', name: 'Error', message: 'no' },
    { attempt: 2, startedAt: at(6), at: at(7), name: 'Error', message: 'again' },
  ]
  const run = { createdAt: at(0), firstStartedAt: at(2), startedAt: at(9), endedAt: at(10), attempt: 3, instance: 'b', failed }
  const { attempts, steps, phases } = timelineOf(run, 99_000)
  assert.deepEqual(
    attempts.map((one) => [one.attempt, one.startedAt, one.endedAt, one.failure?.message, one.instance]),
    [
      [1, at(2), at(4), 'no', 'a'],
      [2, at(6), at(7), 'again', undefined],
      [3, at(9), at(10), undefined, 'b'],
    ],
  )
  assert.deepEqual(parts(run), ['waited 2', 'failed 2', 'waited 2', 'failed 1', 'waited 2', 'ran 1'])
  assert.equal(Math.round(phases.reduce((sum, { share }) => sum + share, 0) * 1e6) / 1e6, 1)
  assert.deepEqual(
    steps.map(({ kind }) => kind),
    ['created', 'ended'],
  )
  // It waits for its next attempt.
  assert.deepEqual(parts({ createdAt: at(0), attempt: 2, failed: failed.slice(0, 1) }, 9_000), ['waited 2', 'failed 2', 'waited 5'])
})

test('attempts of which nothing is known are one part', () => {
  assert.deepEqual(parts({ createdAt: at(0), firstStartedAt: at(2), startedAt: at(8), endedAt: at(10), attempt: 4 }), [
    'waited 2',
    'earlier 6',
    'ran 2',
  ])
})

test('one that has not started only waits, until now', () => {
  const { steps, phases, attempts } = timelineOf({ createdAt: at(0), attempt: 1 }, 5_000)
  assert.deepEqual([steps.map(({ kind }) => kind), attempts], [['created', 'now'], []])
  assert.deepEqual(phases, [{ kind: 'waited', ms: 5_000, share: 1 }])
})

test('a clock that is behind gives no negative parts', () => {
  assert.deepEqual(parts({ createdAt: at(5), startedAt: at(4), endedAt: at(4) }, 0), [])
})
