import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addPart, NOTHING } from './bulk.ts'

test('parts of a request add up, by the reason of what was left out', () => {
  const part = {
    matched: 5,
    eligible: 3,
    done: 0,
    asOf: '2026-01-01T00:00:00Z',
    skipped: [{ code: 'RUN_ENDED', message: 'it has ended', count: 2, examples: ['a'] }],
  }
  const total = addPart(addPart(NOTHING, part), { ...part, asOf: '2026-01-02T00:00:00Z' })
  assert.deepEqual([total.matched, total.eligible, total.asOf], [10, 6, '2026-01-01T00:00:00Z'])
  assert.deepEqual(
    total.skipped.map(({ count }) => count),
    [4],
  )
})
