import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkQuietHours, quietUntil } from './quiet-hours.ts'

const at = (text: string) => Date.parse(text)
const until = (quiet: Parameters<typeof quietUntil>[0], text: string) => {
  const end = quietUntil(quiet, at(text))
  return end === undefined ? undefined : new Date(end).toISOString()
}
const NIGHT = { from: '22:00', to: '06:00', timezone: 'Europe/Paris' }

test('quiet hours go over midnight in their own time zone', () => {
  assert.equal(until(undefined, '2026-01-01T23:00:00Z'), undefined)
  assert.equal(until(NIGHT, '2026-01-01T20:59:59Z'), undefined)
  assert.equal(until(NIGHT, '2026-01-01T21:00:00Z'), '2026-01-02T05:00:00.000Z')
  assert.equal(until(NIGHT, '2026-01-02T04:59:30Z'), '2026-01-02T05:00:00.000Z')
  assert.equal(until(NIGHT, '2026-01-02T05:00:00Z'), undefined)
  assert.equal(until(NIGHT, '2026-07-01T20:30:00Z'), '2026-07-02T04:00:00.000Z', 'in summer')
  assert.equal(until({ from: '12:00', to: '13:30', timezone: 'Asia/Kolkata' }, '2026-01-01T07:00:00Z'), '2026-01-01T08:00:00.000Z')
})

test('the day counts on which they begin', () => {
  // 2026-01-02 is a Friday.
  const friday = { ...NIGHT, timezone: 'UTC', days: ['FRI' as const] }
  assert.equal(until(friday, '2026-01-02T23:00:00Z'), '2026-01-03T06:00:00.000Z')
  assert.equal(until(friday, '2026-01-03T05:00:00Z'), '2026-01-03T06:00:00.000Z')
  assert.equal(until(friday, '2026-01-02T05:00:00Z'), undefined)
  assert.equal(until(friday, '2026-01-03T23:00:00Z'), undefined)
})

test('a time zone that there is not is named', () => {
  checkQuietHours({ timezone: 'Asia/Shanghai' })
  assert.throws(() => checkQuietHours({ timezone: 'Mars/Base' }), { code: 'INVALID_TIME_ZONE' })
})
