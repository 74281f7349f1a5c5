import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CalendarInput, calendarInputSchema } from './calendar.ts'
import type { CarillonError } from './errors.ts'
import { parseInput } from './fields.ts'
import { LIMITS } from './limits.ts'

const refusalOf = (input: unknown) => {
  try {
    parseInput(calendarInputSchema, input)
  } catch (error) {
    const { code, details } = error as CarillonError
    return { code, ...details }
  }
  throw new Error('not refused')
}

test('existing days are accepted, also twice and in any order', () => {
  const days = ['2028-02-29', '2026-12-25', '2026-12-25', '1999-01-01', '9999-12-31']
  assert.deepEqual(parseInput(calendarInputSchema, { name: 'a', days } satisfies CalendarInput).days, days)
})

test('a wrong day is refused by its place and value, and it is said what would be right', () => {
  for (const day of [
    '2026-02-30',
    '2026-1-1',
    '2027-02-29',
    '2026-13-01',
    '2026-00-01',
    '2026-12-00',
    '20261225',
    '2026-12-25T00:00:00Z',
    '',
    7,
    null,
  ])
    assert.deepEqual(refusalOf({ name: 'a', days: ['2026-12-25', day] }), {
      code: 'INVALID_CALENDAR',
      field: 'days.1',
      value: JSON.stringify(day),
      hint: 'Use an existing day as YYYY-MM-DD, such as 2026-12-25.',
    })
})

test('exactly one of days and ics', () => {
  for (const given of [{}, { days: ['2026-12-25'], ics: 'x' }]) {
    const { code, field, hint } = refusalOf({ name: 'a', ...given })
    assert.deepEqual([code, field, hint], ['INVALID_CALENDAR', 'days', 'Give either days or ics.'])
  }
})

test('no days, too many days and a text over the limit are refused without being repeated', () => {
  const days = (count: number) => ({ name: 'a', days: new Array<string>(count).fill('2026-12-25') })
  parseInput(calendarInputSchema, days(LIMITS.calendarDays))
  for (const input of [days(0), days(LIMITS.calendarDays + 1)]) {
    const { code, field, hint } = refusalOf(input)
    assert.deepEqual([code, field, hint], ['INVALID_CALENDAR', 'days', 'Give 1 to 4,000 days.'])
  }
  const text = (length: number, letter = 'x') => ({ name: 'a', ics: letter.repeat(length) })
  parseInput(calendarInputSchema, text(LIMITS.icsBytes))
  for (const input of [text(LIMITS.icsBytes + 1), text(LIMITS.icsBytes / 2, '班'), text(50 * 1024 * 1024)]) {
    const { code, field, value = '' } = refusalOf(input)
    assert.deepEqual([code, field, value.length < 200], ['INVALID_CALENDAR', 'ics', true])
  }
})
