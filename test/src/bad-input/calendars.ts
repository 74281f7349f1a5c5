import { type BadInput, json } from './bad-input.ts'

const ics = (...lines: string[]) => ['BEGIN:VCALENDAR', 'BEGIN:VEVENT', ...lines, 'END:VEVENT', 'END:VCALENDAR'].join('\n')

interface WrongCalendar {
  readonly what: string
  /** Default: `ics`. */
  readonly field?: string
  readonly input: { readonly days?: readonly unknown[]; readonly ics?: string }
  readonly cli?: readonly string[]
}

export const calendars: BadInput[] = [
  ...['2026-02-30', '2026-1-1', '25.12.2026', ''].map(
    (day): WrongCalendar => ({
      what: `the day ${json(day)}`,
      field: 'days.1',
      input: { days: ['2026-12-25', day] },
      ...(day === '2026-02-30' && { cli: ['--days', `2026-12-25,${day}`] }),
    }),
  ),
  { what: 'a calendar without days', field: 'days', input: { days: [] } },
  { what: 'a calendar of nothing', field: 'days', input: {}, cli: [] },
  { what: 'a calendar of days and a text', field: 'days', input: { days: ['2026-12-25'], ics: '' } },
  { what: 'a calendar of 4,001 days', field: 'days', input: { days: new Array(4_001).fill('2026-12-25') } },
  { what: 'an iCalendar text that is none', input: { ics: 'hello' } },
  { what: 'an iCalendar text over the limit', input: { ics: 'x'.repeat(600 * 1024) } },
  { what: 'an iCalendar text that is cut off', input: { ics: 'BEGIN:VCALENDAR\nBEGIN:VEVENT' } },
  { what: 'an iCalendar text without an all-day event', input: { ics: ics('DTSTART:20261225T090000Z') } },
  { what: 'an iCalendar text with a rule that never moves', input: { ics: ics('DTSTART:20261225', 'RRULE:FREQ=YEARLY;INTERVAL=0') } },
  { what: 'an iCalendar text with a date that does not exist', input: { ics: ics('DTSTART;VALUE=DATE:20260230') } },
].map(({ what, field = 'ics', input, cli }: WrongCalendar) => ({
  what,
  code: 'INVALID_CALENDAR',
  field,
  api: ['calendars.put', json({ name: 'holidays', ...input })],
  sdk: (client) => client.calendars.put({ name: 'holidays', ...input } as never),
  ...(cli && { cli: ['calendars', 'put', 'holidays', ...cli] }),
}))
calendars.push(
  {
    what: 'a calendar whose name is none',
    code: 'INVALID_NAME',
    field: 'name',
    cliField: 'calendar',
    api: ['calendars.put', json({ name: 'a.b', days: ['2026-12-25'] })],
    sdk: (client) => client.calendars.put({ name: 'a.b', days: ['2026-12-25'] }),
    cli: ['calendars', 'put', 'a.b', '--days', '2026-12-25'],
  },
  {
    what: 'an unknown calendar',
    code: 'CALENDAR_NOT_FOUND',
    field: 'name',
    api: ['calendars.get', '{"name":"nobody"}'],
    sdk: (client) => client.calendars.get('nobody'),
    cli: ['calendars', 'get', 'nobody'],
  },
  {
    what: 'an unknown calendar to remove',
    code: 'CALENDAR_NOT_FOUND',
    field: 'name',
    api: ['calendars.remove', '{"name":"nobody"}'],
    sdk: (client) => client.calendars.remove('nobody'),
  },
  {
    what: 'a file of 50 MB that is to be a calendar',
    code: 'INVALID_CALENDAR',
    field: '--ics',
    cli: ['calendars', 'put', 'holidays', '--ics', '/dev/zero'],
  },
  {
    what: 'a file that is to be a calendar and is not there',
    code: 'INVALID_REQUEST',
    field: '--ics',
    cli: ['calendars', 'put', 'holidays', '--ics', '/nowhere/at/all.ics'],
  },
)
