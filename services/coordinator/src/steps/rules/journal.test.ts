import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StepCall } from '@carillon/contracts'
import type { Resume, StepRecord } from '@carillon/store'
import { answeredAt, entriesOf, stepRecord } from './journal.ts'

const NOW = Date.UTC(2026, 5, 1)
const DONE = { type: 'done' } as const
const FAILED = { type: 'failed', failure: { name: 'Error', message: 'no' }, isFinal: false } as const

const record = (
  index: number,
  more: { outcome?: StepCall['outcome']; resume?: Resume; try?: number; result?: string } = {},
): StepRecord => {
  const { outcome = DONE, resume = null, result = '1' } = more
  const call = { taskId: 'run', attempt: 1, instance: 'i', index, name: `step-${index}`, try: more.try ?? 1, outcome }
  return stepRecord(call, { namespace: 'default', resume, result: outcome.type === 'done' ? result : null, now: NOW })
}
const sorted = (records: StepRecord[]) => records.sort((one, other) => (one.id < other.id ? -1 : 1))

test('records sort in the order of the steps, beyond nine of everything', () => {
  const records = [0, 2, 9, 10, 11, 999].flatMap((index) => [1, 2, 10].map((tries) => record(index, { try: tries })))
  assert.deepEqual(sorted(records.toReversed()), records)
})

test('tries of a step that failed are counted until it is done, or given up', () => {
  const [entry] = entriesOf([record(0, { outcome: FAILED }), record(0, { outcome: FAILED, try: 2 })], null)
  assert.deepEqual([entry?.state, entry?.tries, entry?.failures, entry?.failure?.message], ['failed', 2, 2, 'no'])
  const given = [record(0, { outcome: FAILED }), record(0, { outcome: { ...FAILED, isFinal: true }, try: 2 })]
  assert.equal(entriesOf(given, null)[0]?.failures, 0)
  // The program has heard of it, and hears of it again; not once its task has been retried.
  const isFinal = (since: number) => entriesOf(given, { step: 99, epoch: 0, since })[0]?.isFinal
  assert.deepEqual([entriesOf(given, null)[0]?.isFinal, isFinal(1), isFinal(2)], [true, true, undefined])
  const done = entriesOf([...given, record(0, { try: 3, result: '{"a":1}' })], null)[0]
  assert.deepEqual([done?.state, done?.result, done?.failures], ['done', { a: 1 }, 0])
})

test('from the step on that a run was restarted from, only what was stored since counts', () => {
  const first = [0, 1, 2, 3].map((index) => record(index))
  const resume = { step: 2, epoch: 2, since: 2 }
  assert.deepEqual(
    entriesOf(first, resume).map(({ index }) => index),
    [0, 1],
  )
  const second = [2, 3].map((index) => record(index, { resume, result: '2' }))
  const results = (records: StepRecord[], from: Resume) => entriesOf(sorted(records), from).map(({ result }) => result)
  assert.deepEqual(results([...first, ...second], resume), [1, 1, 2, 2])
  // Restarted once more, later and earlier: what comes before that step is as it was last.
  assert.deepEqual(results([...first, ...second], { step: 3, epoch: 3, since: 3 }), [1, 1, 2])
  assert.deepEqual(results([...first, ...second], { step: 1, epoch: 3, since: 3 }), [1])
  const third = [record(1, { resume: { step: 1, epoch: 3, since: 3 }, result: '3' })]
  assert.deepEqual(results([...first, ...second, ...third], { step: 1, epoch: 3, since: 3 }), [1, 3])
  assert.deepEqual(results([...first, ...second, ...third], { step: 2, epoch: 4, since: 4 }), [1, 3])
})

test('a sleep says until when, and how much is left of it by our clock', () => {
  const until = '2026-06-01T00:00:05.000Z'
  for (const outcome of [{ type: 'sleeping', until } as const, { type: 'sleeping', forMs: 5_000 } as const]) {
    const [entry] = entriesOf([record(0, { outcome })], null)
    assert.ok(entry)
    assert.equal(entry.until, until)
    assert.deepEqual([answeredAt(entry, NOW + 2_000).leftMs, answeredAt(entry, NOW + 9_000).leftMs], [3_000, 0])
  }
})
