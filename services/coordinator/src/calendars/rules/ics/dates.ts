import { type DayNumber, dayOf } from '../day.ts'
import type { ContentLine } from './content-lines.ts'
import { refuse } from './refuse.ts'

const DATE = /^(\d{4})(\d\d)(\d\d)(T\d{6}Z?)?$/

/** Whether a value is a date without a time of day. */
export const isDate = (value: string): boolean => /^\d{8}$/.test(value.trim())

/** The day of a date; a time of day behind it is ignored. @throws CarillonError INVALID_CALENDAR */
export function dateIn({ name, value, line }: ContentLine): DayNumber {
  const [, year, month, day] = DATE.exec(value.trim()) ?? []
  const found = dayOf({ year: Number(year), month: Number(month), day: Number(day) })
  if (found !== undefined) return found
  throw refuse(`${name} is no date`, { line, value, hint: 'Use an existing date as YYYYMMDD, such as 20261225.' })
}

/** The days of a list of dates or periods. @throws CarillonError INVALID_CALENDAR */
export function* datesIn(property: ContentLine): Generator<DayNumber> {
  // Not split at once: a line may be as long as the text.
  for (let at = 0; at <= property.value.length; ) {
    const comma = property.value.indexOf(',', at)
    const end = comma < 0 ? property.value.length : comma
    const [date = ''] = property.value.slice(at, end).split('/')
    if (date.trim() !== '') yield dateIn({ ...property, value: date })
    at = end + 1
  }
}
