import type { CalendarView } from '@carillon/contracts'
import { now } from '../clock.ts'
import { printFields } from '../output/table.ts'
import type { Column } from '../output/table-layout.ts'
import type { Terminal } from '../output/terminal.ts'
import { relativeText, timeText } from '../output/time-text.ts'

/** The columns of `calendars list`. */
export function calendarColumns(): Column<CalendarView>[] {
  const nowMs = now()
  return [
    { heading: 'CALENDAR', text: (calendar) => calendar.name, narrow: 'whole' },
    { heading: 'DAYS', text: ({ count }) => String(count) },
    { heading: 'FIRST', text: ({ firstDay }) => firstDay, narrow: 1 },
    { heading: 'LAST', text: ({ lastDay }) => lastDay },
    {
      heading: 'UPDATED',
      text: ({ updatedAt }) => timeText(updatedAt, nowMs),
      brief: ({ updatedAt }) => relativeText(updatedAt, nowMs),
      narrow: 2,
    },
    { heading: 'DESCRIPTION', text: ({ description = '' }) => description },
    { heading: 'WARNING', text: ({ warnings }) => warnings.at(-1) ?? '', tone: () => 'warning' },
  ]
}

/** One calendar: field by field, and its days year by year. */
export function printCalendar(terminal: Terminal, calendar: CalendarView): void {
  const nowMs = now()
  printFields(terminal, calendar, [
    ['calendar', calendar.name],
    ['description', calendar.description],
    ['days', `${calendar.count}, ${calendar.firstDay} to ${calendar.lastDay}`],
    ...yearsOf(calendar.days ?? []).map(([year, days]) => [year, days] as const),
    ['source', calendar.source],
    ['created', timeText(calendar.createdAt, nowMs)],
    ['updated', timeText(calendar.updatedAt, nowMs)],
    ...calendar.warnings.map((warning) => ['warning', warning] as const),
  ])
}

/** Days as `MM-DD`, by their year. */
function yearsOf(days: readonly string[]): [year: string, days: string][] {
  const years = new Map<string, string[]>()
  for (const day of days) {
    const year = day.slice(0, 4)
    years.set(year, [...(years.get(year) ?? []), day.slice(5)])
  }
  return [...years].map(([year, ofYear]) => [year, ofYear.join(' ')])
}
