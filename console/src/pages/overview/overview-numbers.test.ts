import assert from 'node:assert/strict'
import { test } from 'node:test'
import { percentText, ratePerMinute, rateText } from './overview-numbers.ts'

test('numbers are short', () => {
  assert.deepEqual([0, 0.04166, 1.2468, 311.6].map(rateText), ['0', '0.0417', '1.25', '312'])
  assert.deepEqual([percentText(0, 10), percentText(1, 10_000), percentText(1, 30), percentText(5, 8)], ['0', '< 0.1', '3.3', '63'])
})

test('a rate is what ended by the time that is counted', () => {
  const hour = { from: '2026-01-01T00:00:00Z', to: '2026-01-01T01:00:00Z' }
  assert.equal(ratePerMinute({ ...hour, totals: { ended: 120 } as never }), 2)
})
