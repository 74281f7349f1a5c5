import type { ControllerOf } from '@carillon/runtime'
import type { ChangeCalendars } from './change-calendars.ts'
import type { CalendarCache, ReadCalendars } from './read-calendars.ts'

export interface CalendarCases {
  readonly changeCalendars: ChangeCalendars
  readonly readCalendars: ReadCalendars
  readonly calendars: CalendarCache
}

export const calendarsController = ({ changeCalendars, readCalendars, calendars }: CalendarCases) =>
  ({
    answers: {
      calendarsPut: ({ namespace, input }) => changeCalendars.put(namespace, input, input.ifRevision),
      calendarsGet: ({ namespace, input }) => readCalendars.get(namespace, input.name),
      calendarsList: ({ namespace, input }) => readCalendars.list(namespace, input),
      calendarsRemove: ({ namespace, input }) => changeCalendars.remove(namespace, input.name, input.ifRevision),
    },
    receives: {
      // Every coordinator publishes this when it changes a calendar.
      'live.calendar.*.changed': async ({ namespace, tokens }) => calendars.forget(namespace, tokens[1] ?? ''),
    },
  }) satisfies ControllerOf<'coordinator'>
