import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HeldTask, mayBeIdleMs } from './hung.ts'

const MINUTE_MS = 60_000
const LEAST_MS = 5 * MINUTE_MS
const task = (averageMs?: number, timeoutMs: number | null = null): HeldTask => ({ averageMs, timeoutMs })

test('for how long an instance may do nothing: 2.5 times the average of its slowest job, five minutes at least', () => {
  const cases: [why: string, held: HeldTask[], mayBeIdleMs: number | undefined][] = [
    ['it holds nothing', [], undefined],
    ['a short job', [task(1_000)], LEAST_MS],
    ['exactly the minimum', [task(2 * MINUTE_MS)], LEAST_MS],
    ['a long job', [task(60 * MINUTE_MS)], 150 * MINUTE_MS],
    ['the slowest counts', [task(1_000), task(10 * MINUTE_MS), task(4 * MINUTE_MS)], 25 * MINUTE_MS],
    ['a job without a success', [task()], undefined],
    ['it protects its neighbours', [task(1_000), task()], undefined],
    ['it has a time limit', [task(undefined, 60 * MINUTE_MS)], 60 * MINUTE_MS],
    ['a short time limit', [task(undefined, 1_000)], LEAST_MS],
    ['successes say more than a time limit', [task(10 * MINUTE_MS, 24 * 60 * MINUTE_MS)], 25 * MINUTE_MS],
    ['an average of nothing', [task(0)], LEAST_MS],
  ]
  for (const [why, held, expected] of cases) assert.equal(mayBeIdleMs(held, LEAST_MS), expected, why)
})
