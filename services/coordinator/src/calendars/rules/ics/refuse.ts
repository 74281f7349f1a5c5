import { CarillonError, printable } from '@carillon/contracts'

/** An iCalendar text is refused. @param about the line, counted from 1, and what it holds there */
export function refuse(message: string, about: { line?: number; value?: string; hint: string }): CarillonError {
  const { line, value, hint } = about
  return new CarillonError('INVALID_CALENDAR', line === undefined ? message : `line ${line} of ics: ${message}`, {
    field: 'ics',
    ...(value === undefined ? {} : { value: printable(value) }),
    hint,
  })
}
