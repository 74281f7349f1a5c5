/** Whatever an iCalendar text holds, reading it ends soon: with days or with a refusal. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import fc from 'fast-check'
import { type DayNumber, dateOf, dayOf, dayOfText, dayText, weekdayOf } from '../day.ts'
import { daysOfIcs } from './days-of-ics.ts'

const HORIZON = { first: dayOfText('2016-11-27'), last: dayOfText('2036-11-27') }
const MIB = 1_024 * 1_024
/** CPU time, so that it holds on a busy machine. The slowest takes a tenth of it. */
const MOST_MS = 2_000

const wrap = (...lines: string[]) => ['BEGIN:VCALENDAR', ...lines, 'END:VCALENDAR'].join('\n')
const eventOf = (...lines: string[]) => wrap('BEGIN:VEVENT', 'DTSTART;VALUE=DATE:20260101', ...lines, 'END:VEVENT')
const events = (bytes: number, ...lines: string[]) => {
  const one = ['BEGIN:VEVENT', ...lines, 'END:VEVENT'].join('\n')
  return wrap(...new Array<string>(Math.floor(bytes / (one.length + 1))).fill(one))
}
const dates = (bytes: number) => new Array<string>(Math.floor(bytes / 9)).fill('20260101').join(',')

function outcomeOf(text: string): number | CarillonError {
  try {
    const { days, omissions } = daysOfIcs(text, HORIZON)
    assert.ok(days.every((day) => Number.isInteger(day) && day >= HORIZON.first && day <= HORIZON.last))
    assert.ok(omissions.join().length < 2_000)
    return days.length
  } catch (error) {
    if (!CarillonError.is(error) || error.code !== 'INVALID_CALENDAR') throw error
    assert.ok(JSON.stringify(error).length < 1_000, 'what is wrong is not repeated at length')
    return error
  }
}

const BOMBS: Readonly<Record<string, string>> = {
  'a COUNT of 10^9': eventOf('RRULE:FREQ=YEARLY;COUNT=1000000000'),
  'an INTERVAL of 10^9': eventOf('RRULE:FREQ=YEARLY;INTERVAL=1000000000'),
  'an INTERVAL of 0': eventOf('RRULE:FREQ=YEARLY;INTERVAL=0'),
  'a negative INTERVAL': eventOf('RRULE:FREQ=YEARLY;INTERVAL=-1;COUNT=2'),
  'a day that no year has': eventOf('RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31;COUNT=5'),
  'a length of 99,999 weeks': eventOf('DURATION:P99999W', 'RRULE:FREQ=YEARLY'),
  'events that repeat from the first century on': events(MIB, 'DTSTART:01000101', 'RRULE:FREQ=YEARLY'),
  'events of 27 years that repeat': events(MIB, 'DTSTART:01000101', 'DURATION:P9999D', 'RRULE:FREQ=YEARLY'),
  'a list of additional dates of long events': eventOf('DURATION:P9999D', `RDATE:${dates(MIB)}`),
  'a list of excluded dates': eventOf(`EXDATE:${dates(MIB)}`),
  'a line of 1 MiB': eventOf(`SUMMARY:${'x'.repeat(MIB)}`),
  'a line of 1 MiB of quotation marks': eventOf(`SUMMARY;X=${'"'.repeat(MIB)}`),
  'a rule of 1 MiB': eventOf(`RRULE:FREQ=YEARLY;${'X=1;'.repeat(MIB / 4)}`),
  'a summary of openings': eventOf(`SUMMARY:${'make-up work '.repeat(MIB / 13)}`),
  'a line of folds': eventOf(`SUMMARY:x${'\n '.repeat(MIB / 2)}`),
  'empty lines': eventOf('\n'.repeat(MIB)),
  'carriage returns': eventOf('\r'.repeat(MIB)),
  'components within components': wrap('BEGIN:X\n'.repeat(MIB / 8)),
  'components beside components': wrap('BEGIN:X\nEND:X\n'.repeat(MIB / 14)),
  'bytes of zero': '\0'.repeat(MIB),
  'a calendar, then bytes of zero': eventOf('\0'.repeat(MIB)),
  colons: ':'.repeat(MIB),
  names: 'A'.repeat(MIB),
  semicolons: eventOf(`X${';'.repeat(MIB)}`),
}

for (const [what, text] of Object.entries(BOMBS))
  test(`${what}, in no time`, () => {
    const before = process.cpuUsage()
    outcomeOf(text)
    const { user, system } = process.cpuUsage(before)
    assert.ok((user + system) / 1_000 < MOST_MS, `${Math.round((user + system) / 1_000)} ms`)
  })

const WORDS = 'BEGIN: END: VEVENT VCALENDAR DTSTART: EXDATE: RRULE:FREQ=YEARLY; COUNT= 20261225'.split(' ')
const word = fc.oneof(
  fc.constantFrom(...WORDS, '\r\n', '\n', '\n', ' ', ';', ':', '"', '\t', '\ud800'),
  fc.string({ unit: 'binary', maxLength: 3 }),
)

test('garbage is refused or read, never more', () => {
  fc.assert(
    fc.property(fc.constantFrom('', 'BEGIN:VCALENDAR\nBEGIN:VEVENT\n'), fc.array(word, { maxLength: 60 }), (begin, words) => {
      outcomeOf(begin + words.join(''))
    }),
    { numRuns: 2_000 },
  )
})

const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA']
const rules = fc.record({
  start: fc.record({
    year: fc.integer({ min: 2000, max: 2030 }),
    month: fc.integer({ min: 1, max: 12 }),
    day: fc.integer({ min: 1, max: 28 }),
  }),
  interval: fc.integer({ min: 1, max: 4 }),
  count: fc.option(fc.integer({ min: 1, max: 12 }), { nil: Number.POSITIVE_INFINITY }),
  on: fc.option(fc.record({ nth: fc.integer({ min: 1, max: 5 }), isFromEnd: fc.boolean(), weekday: fc.integer({ min: 0, max: 6 }) }), {
    nil: undefined,
  }),
})
type Rule = typeof rules extends fc.Arbitrary<infer Value> ? Value : never

/** The days of a rule, by a walk over all days. */
function walk({ start, interval, count, on }: Rule): DayNumber[] {
  const isOn = (one: DayNumber) => {
    const { year, month, day } = dateOf(one)
    if (month !== start.month || (year - start.year) % interval !== 0) return false
    if (!on) return day === start.day
    const inMonth = (weeks: number) => dateOf(one + (on.isFromEnd ? 7 : -7) * weeks).month === month
    return weekdayOf(one) === on.weekday && inMonth(on.nth - 1) && !inMonth(on.nth)
  }
  const days: DayNumber[] = []
  for (let one = dayOf(start) as DayNumber, found = 0; one <= HORIZON.last && found < count; one++) {
    if (!isOn(one)) continue
    found++
    if (one >= HORIZON.first) days.push(one)
  }
  return days
}

test('each yearly rule has the days that a walk over all days finds', () => {
  fc.assert(
    fc.property(rules, (rule) => {
      const { start, interval, count, on } = rule
      const weekday = on && `;BYMONTH=${start.month};BYDAY=${on.isFromEnd ? '-' : ''}${on.nth}${WEEKDAYS[on.weekday]}`
      const text = `RRULE:FREQ=YEARLY;INTERVAL=${interval}${Number.isFinite(count) ? `;COUNT=${count}` : ''}${weekday ?? ''}`
      const begin = `DTSTART;VALUE=DATE:${dayText(dayOf(start) as DayNumber).replaceAll('-', '')}`
      assert.deepEqual(daysOfIcs(wrap('BEGIN:VEVENT', begin, text, 'END:VEVENT'), HORIZON).days, walk(rule))
    }),
    { numRuns: 300 },
  )
})
