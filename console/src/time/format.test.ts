import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, formatRelative, formatTime } from './format.ts'

test('durations have two units at most', () => {
  assert.equal(formatDuration(0), '0 ms')
  assert.equal(formatDuration(412.4), '412 ms')
  assert.equal(formatDuration(1_000), '1.0 s')
  assert.equal(formatDuration(9_999), '9.9 s')
  assert.equal(formatDuration(59_999), '59 s')
  assert.equal(formatDuration(60_000), '1 m')
  assert.equal(formatDuration(200_000), '3 m 20 s')
  assert.equal(formatDuration(3_600_000), '1 h')
  assert.equal(formatDuration(2 * 86_400_000 + 4 * 3_600_000 + 59_000), '2 d 4 h')
  assert.equal(formatDuration(-1_500), '-1.5 s')
})

test('times are shown in the zone that is asked for', () => {
  const at = '2026-11-28T23:30:05.123Z'
  assert.equal(formatTime(at, { language: 'en', zone: 'UTC' }), '2026-11-28 23:30:05')
  assert.equal(formatTime(at, { language: 'en', zone: 'Asia/Shanghai' }), '2026-11-29 07:30:05')
  assert.equal(formatTime(at, { language: 'en', zone: 'UTC', precise: true }), '2026-11-28 23:30:05.123')
})

test('relative times in both languages', () => {
  assert.equal(formatRelative(0, 180_000, 'en'), '3 min. ago')
  assert.equal(formatRelative(7_200_000, 0, 'en'), 'in 2 hr.')
  assert.equal(formatRelative(0, 180_000, 'zh-CN'), '3分钟前')
  assert.equal(formatRelative(0, 300, 'en'), 'now')
})
