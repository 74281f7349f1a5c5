import { createHash } from 'node:crypto'
import { type CalendarView, CarillonError, type calendarInputSchema, LIMITS, printable } from '@carillon/contracts'
import type { CalendarHead, CalendarRecord } from '@carillon/store'
import type { z } from 'zod'
import { dayAt, dayOfText, dayText } from './day.ts'
import { daysOfIcs } from './ics/days-of-ics.ts'

type CalendarDefinition = z.output<typeof calendarInputSchema>

/** Years of an iCalendar text that are kept before and after it is put: for schedules, and for what is asked about past slots. */
const HORIZON_DAYS = LIMITS.horizonYears * 366
/** Who puts a calendar each year has some time to do so. */
const WARN_DAYS = 90

export const calendarId = (namespace: string, name: string) => `${namespace}/${name}`

export function calendarNotFound(name: string): CarillonError {
  return new CarillonError('CALENDAR_NOT_FOUND', `there is no calendar ${printable(name)}`, { field: 'name', value: printable(name) })
}

/** @throws CarillonError INVALID_CALENDAR */
export function calendarOf(namespace: string, input: CalendarDefinition, now: number): CalendarRecord {
  const { days, omissions } = input.ics === undefined ? givenDays(input.days ?? []) : icsDays(input.ics, now)
  const given = input.ics ?? JSON.stringify(input.days)
  return {
    id: calendarId(namespace, input.name),
    namespace,
    name: input.name,
    description: input.description ?? null,
    source: input.ics === undefined ? 'days' : 'ics',
    hash: createHash('sha256').update(given).digest('hex'),
    count: days.length,
    firstDay: days[0] as string,
    lastDay: days.at(-1) as string,
    omissions,
    days: JSON.stringify(days),
    revision: 1,
    createdAt: now,
    updatedAt: now,
  }
}

const givenDays = (days: readonly string[]) => ({ days: [...new Set(days)].sort(), omissions: [] })

function icsDays(text: string, now: number): { days: string[]; omissions: readonly string[] } {
  const today = dayAt(now)
  const { days, omissions } = daysOfIcs(text, { first: today - HORIZON_DAYS, last: today + HORIZON_DAYS })
  if (days.length >= 1 && days.length <= LIMITS.calendarDays) return { days: days.map(dayText), omissions }
  const found = days.length === 0 ? ['it has no all-day event', ...omissions].join('; ') : `it has ${days.length} days`
  throw new CarillonError('INVALID_CALENDAR', `ics makes no calendar: ${found}`, {
    field: 'ics',
    value: `${days.length} days`,
    hint: `Give all-day events (DTSTART as YYYYMMDD) of 1 to ${LIMITS.calendarDays} days.`,
  })
}

/** Whether putting it again changes nothing. */
export const isSameCalendar = (a: CalendarRecord, b: CalendarRecord): boolean =>
  a.hash === b.hash && a.days === b.days && a.description === b.description && a.source === b.source

/** As people see it, without its days. */
export function calendarHeadView(calendar: CalendarHead, now: number): CalendarView {
  const { name, revision, description, source, hash, count, firstDay, lastDay, omissions, createdAt, updatedAt } = calendar
  return {
    name,
    revision,
    ...(description === null ? {} : { description }),
    source,
    hash,
    count,
    firstDay,
    lastDay,
    warnings: [...omissions, ...endWarnings(lastDay, now)],
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  }
}

export const calendarView = (calendar: CalendarRecord, now: number): CalendarView => ({
  ...calendarHeadView(calendar, now),
  days: JSON.parse(calendar.days) as string[],
})

function endWarnings(lastDay: string, now: number): string[] {
  const left = dayOfText(lastDay) - dayAt(now)
  if (left >= WARN_DAYS) return []
  const when = left < 0 ? 'has passed' : left === 0 ? 'is today' : `is ${left} day${left === 1 ? '' : 's'} away`
  return [`its last day, ${lastDay}, ${when}: put it again with the days that follow`]
}
