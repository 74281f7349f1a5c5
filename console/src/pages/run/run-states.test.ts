import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStale, patchRun } from './run-states.ts'

test('an older message changes nothing', () => {
  assert.ok(isStale({ state: 'running', attempt: 2 }, { state: 'failed', attempt: 1 }))
  assert.ok(isStale({ state: 'succeeded', attempt: 1 }, { state: 'running', attempt: 1 }))
  assert.ok(!isStale({ state: 'running', attempt: 1 }, { state: 'paused', attempt: 1 }))
  assert.ok(!isStale({ state: 'failed', attempt: 1 }, { state: 'queued', attempt: 1 }), 'a manual retry')
})

test('progress of another attempt is not kept by it', () => {
  const shown = { state: 'running', attempt: 1, progress: { percent: 60 }, handler: 'h' } as const
  assert.deepEqual(patchRun(shown, { state: 'running', attempt: 1, progress: { percent: 70 } }).progress, { percent: 70 })
  assert.equal(patchRun(shown, { state: 'succeeded', attempt: 1 }).state, 'succeeded')
  assert.equal(patchRun(shown, { state: 'running', attempt: 2 }).attempt, 2)
})

test('an end has its time, and a retry takes it away', () => {
  const shown = { state: 'running', attempt: 1, startedAt: '2026-01-01T00:00:00Z' } as const
  const ended = patchRun(shown as never, { state: 'failed', attempt: 1, at: '2026-01-01T00:00:05Z', reason: 'handler-error' }) as Record<
    string,
    unknown
  >
  assert.deepEqual([ended['state'], ended['endedAt'], ended['reason']], ['failed', '2026-01-01T00:00:05Z', 'handler-error'])
  const again = patchRun(ended as never, { state: 'queued', attempt: 2 }) as Record<string, unknown>
  assert.deepEqual([again['state'], again['endedAt']], ['queued', undefined])
})
