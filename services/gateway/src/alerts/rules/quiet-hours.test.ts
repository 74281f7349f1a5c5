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

test('where the clock is changed in the night, they end when the clock shows it', () => {
  // Paris: 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00.
  assert.equal(until(NIGHT, '2026-03-28T22:00:00Z'), '2026-03-29T04:00:00.000Z')
  assert.equal(until(NIGHT, '2026-10-24T21:00:00Z'), '2026-10-25T05:00:00.000Z')
  assert.equal(until(NIGHT, '2026-03-29T03:59:00Z'), '2026-03-29T04:00:00.000Z')
  assert.equal(until(NIGHT, '2026-03-29T04:00:00Z'), undefined)
  // 02:30 there is not, and then twice.
  const half = { from: '22:00', to: '02:30', timezone: 'Europe/Paris' }
  assert.equal(until(half, '2026-03-28T22:00:00Z'), '2026-03-29T01:00:00.000Z', 'when the clock passes it')
  assert.equal(until(half, '2026-10-24T21:00:00Z'), '2026-10-25T00:30:00.000Z', 'the first time')
  // The quiet time begins at a time that there is twice: both are quiet.
  const early = { from: '02:30', to: '05:00', timezone: 'Europe/Paris' }
  for (const text of ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:00:00Z'])
    assert.equal(until(early, text), '2026-10-25T04:00:00.000Z', text)
  // Lord Howe changes by half an hour, and midnight is skipped elsewhere.
  assert.equal(until({ from: '22:00', to: '06:00', timezone: 'Australia/Lord_Howe' }, '2026-10-03T12:00:00Z'), '2026-10-03T19:00:00.000Z')
  assert.equal(until({ from: '20:00', to: '00:00', timezone: 'UTC' }, '2026-01-01T23:59:59.999Z'), '2026-01-02T00:00:00.000Z')
})

test('the end is always ahead, whatever the zone and the minute', () => {
  for (const timezone of ['Europe/Paris', 'America/New_York', 'America/Sao_Paulo', 'Africa/Cairo', 'Australia/Lord_Howe', 'Pacific/Apia'])
    for (let now = at('2026-01-01T00:00:30Z'); now < at('2027-01-01T00:00:00Z'); now += 47 * 60_000) {
      const quiet = { from: '21:45', to: '02:15', timezone }
      const end = quietUntil(quiet, now)
      if (end === undefined) continue
      assert.ok(end > now && end - now <= 6 * 3_600_000, `${timezone} ${new Date(now).toISOString()}`)
      assert.equal(quietUntil(quiet, end), undefined, `${timezone} ${new Date(now).toISOString()}`)
    }
})
