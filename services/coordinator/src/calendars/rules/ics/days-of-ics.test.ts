import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dayOfText, dayText } from '../day.ts'
import { daysOfIcs } from './days-of-ics.ts'

const HORIZON = { first: dayOfText('2016-11-27'), last: dayOfText('2036-11-27') }
const calendar = (...lines: string[]) => ['BEGIN:VCALENDAR', 'VERSION:2.0', ...lines, 'END:VCALENDAR', ''].join('\r\n')
const event = (...lines: string[]) => ['BEGIN:VEVENT', 'UID:1', ...lines, 'END:VEVENT']
function read(text: string) {
  const { days, omissions } = daysOfIcs(text, HORIZON)
  return { days: days.map(dayText), omissions }
}
const daysOf = (...lines: string[]) => read(calendar(...event(...lines))).days
const omissionOf = (...lines: string[]) => read(calendar(...event(...lines))).omissions
const CHRISTMAS = 'DTSTART;VALUE=DATE:20261225'

test('an all-day event has its day; DTEND is the day after the last one', () => {
  assert.deepEqual(daysOf(CHRISTMAS), ['2026-12-25'])
  assert.deepEqual(daysOf('DTSTART:20261225'), ['2026-12-25'])
  assert.deepEqual(daysOf(CHRISTMAS, 'DTEND;VALUE=DATE:20261227'), ['2026-12-25', '2026-12-26'])
  assert.deepEqual(daysOf(CHRISTMAS, 'DTEND;VALUE=DATE:20261225'), ['2026-12-25'])
  assert.deepEqual(daysOf(CHRISTMAS, 'DURATION:P1W').length, 7)
  assert.deepEqual(daysOf(CHRISTMAS, 'DURATION:P2D'), ['2026-12-25', '2026-12-26'])
})

test('days of several events are distinct and in order', () => {
  const text = calendar(...event('DTSTART;VALUE=DATE:20270101'), ...event(CHRISTMAS), ...event('dtstart;value=date:20261225'))
  assert.deepEqual(read(text), { days: ['2026-12-25', '2027-01-01'], omissions: [] })
})

test('lines end with CRLF or LF, fold anywhere, and may begin with a byte order mark', () => {
  const folded = calendar(...event('DTST', ' ART;VALUE=DATE;X-NOTE="a:b;c":2026', '\t12', ' 25', 'DESCRIPTION:one', '  two'))
  for (const text of [folded, folded.replaceAll('\r\n', '\n'), `\ufeff${folded}`, `${folded}\r\n\r\n`])
    assert.deepEqual(read(text).days, ['2026-12-25'])
})

test('an event that repeats each year ends with COUNT, UNTIL or the horizon', () => {
  const yearly = (rule: string, start = 'DTSTART;VALUE=DATE:20250101') => daysOf(start, `RRULE:FREQ=YEARLY${rule}`)
  assert.deepEqual(yearly(';COUNT=3'), ['2025-01-01', '2026-01-01', '2027-01-01'])
  assert.deepEqual(yearly(';UNTIL=20270101'), ['2025-01-01', '2026-01-01', '2027-01-01'])
  assert.deepEqual(yearly(';UNTIL=20261231T235959Z;WKST=MO'), ['2025-01-01', '2026-01-01'])
  assert.deepEqual(yearly(';INTERVAL=5;COUNT=2'), ['2025-01-01', '2030-01-01'])
  assert.deepEqual([yearly('').length, yearly('').at(-1)], [12, '2036-01-01'])
  assert.deepEqual(yearly(';COUNT=2;BYMONTH=5;BYMONTHDAY=-1'), ['2025-05-31', '2026-05-31'])
  assert.deepEqual(yearly(';UNTIL=20280630', 'DTSTART;VALUE=DATE:20240229'), ['2024-02-29', '2028-02-29'])
  // COUNT counts years before the horizon, too.
  assert.deepEqual(yearly(';COUNT=419', 'DTSTART;VALUE=DATE:16010101'), ['2017-01-01', '2018-01-01', '2019-01-01'])
  // The horizon begins within a repetition.
  assert.deepEqual(daysOf('DTSTART;VALUE=DATE:20161126', 'DTEND;VALUE=DATE:20161128', 'RRULE:FREQ=YEARLY;COUNT=1'), ['2016-11-27'])
})

test('holidays on the n-th weekday of a month', () => {
  const nth = (start: string, rule: string) => daysOf(`DTSTART;VALUE=DATE:${start}`, `RRULE:FREQ=YEARLY;COUNT=2;${rule}`)
  assert.deepEqual(nth('20261126', 'BYMONTH=11;BYDAY=4TH'), ['2026-11-26', '2027-11-25'])
  assert.deepEqual(nth('20260525', 'BYDAY=-1MO;BYMONTH=5'), ['2026-05-25', '2027-05-31'])
  assert.deepEqual(nth('20260531', 'BYMONTH=5;BYDAY=+5SU'), ['2026-05-31', '2027-05-30'])
  assert.deepEqual(nth('20261126', 'BYDAY=TH;BYMONTH=11;BYSETPOS=4'), ['2026-11-26', '2027-11-25'])
  assert.deepEqual(nth('20260525', 'BYMONTH=5;BYDAY=MO;BYSETPOS=-1'), ['2026-05-25', '2027-05-31'])
})

test('EXDATE takes a repetition away, RDATE adds one, and both may be lists', () => {
  const days = daysOf(
    'DTSTART;VALUE=DATE:20250101',
    'DTEND;VALUE=DATE:20250103',
    'RRULE:FREQ=YEARLY;COUNT=4',
    'EXDATE;VALUE=DATE:20260101,20270101',
    'EXDATE:20300101',
    'RDATE;VALUE=DATE:20300101,20310101,',
  )
  assert.deepEqual(days, ['2025-01-01', '2025-01-02', '2028-01-01', '2028-01-02', '2031-01-01', '2031-01-02'])
})

test('what is left out is said, with how many, and where the first is', () => {
  assert.deepEqual(omissionOf('DTSTART:20261225T090000Z', 'SUMMARY:Lunch\\, late'), [
    'left out: 1 event at a time of day, in line 3, "Lunch, late"',
  ])
  const timed = event('DTSTART;TZID=Europe/Paris:20261225T090000')
  assert.deepEqual(read(calendar(...event(CHRISTMAS), ...timed, ...timed)), {
    days: ['2026-12-25'],
    omissions: ['left out: 2 events at a time of day, the first in line 7'],
  })
  const left = (...lines: string[]) => omissionOf(...lines)[0]
  assert.match(left(CHRISTMAS, 'STATUS:CANCELLED') ?? '', /1 cancelled event,/)
  assert.match(left(CHRISTMAS, 'RECURRENCE-ID;VALUE=DATE:20261224') ?? '', /RECURRENCE-ID.*; correct its day by hand/)
  assert.match(left('SUMMARY:never') ?? '', /without DTSTART/)
  assert.match(left('DTSTART;VALUE=DATE:20100101') ?? '', /1 event without a day from 2016-11-27 to 2036-11-27,/)
  for (const summary of ['国庆节补班', '春节（班）', 'Special Working Day', 'Make-up workday'])
    assert.match(left(CHRISTMAS, `SUMMARY:${summary}`) ?? '', /make-up workday.* in a calendar of their own/, summary)
  assert.match(left(CHRISTMAS, 'X-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY') ?? '', /make-up workday/)
  assert.deepEqual(daysOf(CHRISTMAS, 'SUMMARY:Working-class holiday'), ['2026-12-25'])
  for (const rule of [
    'FREQ=WEEKLY',
    'FREQ=YEARLY;BYMONTH=1,7',
    'FREQ=YEARLY;BYDAY=MO',
    'FREQ=YEARLY;BYMONTHDAY=1',
    'FREQ=YEARLY;BYMONTH=1;BYDAY=MO',
    'FREQ=YEARLY;BYMONTH=1;BYDAY=2MO;BYSETPOS=1',
    'FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1;BYSETPOS=1',
    'FREQ=YEARLY;BYMONTH=1;BYSETPOS=1',
    'FREQ=YEARLY;BYEASTER=1',
    `FREQ=YEARLY;BYDAY=${'MO,'.repeat(100)}`,
    'COUNT=2',
  ])
    assert.match(left(CHRISTMAS, `RRULE:${rule}`) ?? '', /repeats otherwise than once a year/, rule)
  assert.match(left(CHRISTMAS, 'RRULE:FREQ=YEARLY', 'EXRULE:FREQ=YEARLY') ?? '', /otherwise/)
  assert.match(left(CHRISTMAS, 'RRULE:FREQ=YEARLY', 'RRULE:FREQ=YEARLY;COUNT=2') ?? '', /otherwise/)
  assert.deepEqual(
    read(calendar('BEGIN:VTODO', 'END:VTODO', 'BEGIN:VTIMEZONE', 'BEGIN:STANDARD', 'DTSTART:1', 'END:STANDARD', 'END:VTIMEZONE')),
    {
      days: [],
      omissions: ['left out: 1 entry that is no event, in line 3'],
    },
  )
})

test('properties of what is within an event are not its own', () => {
  assert.deepEqual(daysOf(CHRISTMAS, 'BEGIN:VALARM', 'DTSTART:nonsense', 'STATUS:CANCELLED', 'END:VALARM'), ['2026-12-25'])
})

test('what is wrong is refused with its line', () => {
  const refused = (text: string, message: RegExp) =>
    assert.throws(() => read(text), { code: 'INVALID_CALENDAR', message }, JSON.stringify(text).slice(0, 100))
  const wrong = (line: string, message: RegExp) => refused(calendar(...event(CHRISTMAS, line)), message)
  refused('', /no iCalendar text/)
  refused('hello: world', /no iCalendar text/)
  refused('BEGIN:VEVENT\nEND:VEVENT', /no iCalendar text/)
  refused('<html></html>', /line 1 of ics: no property/)
  refused(calendar('BEGIN:VEVENT', 'A\0B:1'), /line 4 of ics: a byte of zero/)
  refused(calendar('BEGIN:VEVENT', 'DTSTART'), /line 4 of ics: no property/)
  refused(calendar('BEGIN:VEVENT', 'X;P="a:b'), /line 4 of ics: no property/)
  refused(calendar('BEGIN:VEVENT'), /line 4 of ics: END:VCALENDAR where VEVENT of line 3 is open/)
  refused('BEGIN:VCALENDAR\nBEGIN:VEVENT\n', /ends within VEVENT, which begins in line 2/)
  refused(calendar('BEGIN:VEVENT'.concat('\nBEGIN:VEVENT'.repeat(50))), /nested deeper/)
  refused(calendar(...event('DTSTART;VALUE=DATE:20260230')), /line 5 of ics: DTSTART is no date/)
  refused(calendar(...event('DTSTART;VALUE=DATE:00000000')), /DTSTART is no date/)
  for (const interval of ['0', '-1', 'x', '', '1.5', '99999999999'])
    wrong(`RRULE:FREQ=YEARLY;INTERVAL=${interval}`, /line 6 of ics: INTERVAL/)
  wrong('RRULE:FREQ=YEARLY;COUNT=0', /COUNT of RRULE is 0/)
  wrong('RRULE:FREQ=YEARLY;UNTIL=never', /UNTIL of RRULE is no date/)
  wrong('RRULE:FREQ=YEARLY;COUNT=2;UNTIL=20300101', /COUNT and UNTIL/)
  wrong('DTEND;VALUE=DATE:20261224', /DTEND is before DTSTART/)
  wrong('DURATION:PT1H', /DURATION/)
  wrong('EXDATE:x', /EXDATE is no date/)
})
