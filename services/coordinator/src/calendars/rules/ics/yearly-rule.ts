import { type DayNumber, dateOf, dayOf, daysInMonth, weekdayOf, yearOf } from '../day.ts'
import type { Budget } from './budget.ts'
import type { ContentLine } from './content-lines.ts'
import { dateIn } from './dates.ts'
import { refuse } from './refuse.ts'

/** Once each year, or each `interval`-th: on a date, or on the n-th weekday of a month. */
export interface YearlyRule {
  readonly interval: number
  readonly count: number | undefined
  readonly until: DayNumber | undefined
  /** The day of that year, or undefined where the year has none, such as February 29. */
  readonly dayIn: (year: number) => DayNumber | undefined
}

const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA']
const KNOWN = new Set(['FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'BYMONTH', 'BYMONTHDAY', 'BYDAY', 'BYSETPOS', 'WKST'])
const NTH_WEEKDAY = /^([+-]?)([1-5])(SU|MO|TU|WE|TH|FR|SA)$/
/** Longer texts are no rule that is known here. */
const LONGEST = 200

/**
 * The rule of an event, or undefined for one of another kind.
 * @throws CarillonError INVALID_CALENDAR for numbers that cannot be: libraries for iCalendar run for ever on some of them
 */
export function yearlyRuleOf({ value, line }: ContentLine, start: DayNumber): YearlyRule | undefined {
  if (value.length > LONGEST) return undefined
  const parts = new Map(value.toUpperCase().split(';').filter(Boolean).map(partOf))
  const number = (name: string) => {
    const given = parts.get(name)
    if (given === undefined) return undefined
    if (/^[1-9]\d{0,9}$/.test(given)) return Number(given)
    throw refuse(`${name} of RRULE is ${given}`, { line, value, hint: `${name} is a whole number from 1.` })
  }
  const [interval = 1, count, given] = [number('INTERVAL'), number('COUNT'), parts.get('UNTIL')]
  const until = given === undefined ? undefined : dateIn({ name: 'UNTIL of RRULE', value: given, line })
  if (count !== undefined && until !== undefined)
    throw refuse('RRULE has COUNT and UNTIL', { line, value, hint: 'A rule ends by one of them, or by neither.' })
  if (parts.get('FREQ') !== 'YEARLY' || [...parts.keys()].some((name) => !KNOWN.has(name))) return undefined
  const dayIn = dayInYear(parts, start)
  return dayIn && { interval, count, until, dayIn }
}

function partOf(part: string): [string, string] {
  const [name = '', ...rest] = part.split('=')
  return [name.trim(), rest.join('=').trim()]
}

function dayInYear(parts: ReadonlyMap<string, string>, start: DayNumber): YearlyRule['dayIn'] | undefined {
  const date = dateOf(start)
  const [byMonth, byMonthDay, byDay, bySetPos] = ['BYMONTH', 'BYMONTHDAY', 'BYDAY', 'BYSETPOS'].map((name) => parts.get(name))
  const month = byMonth === undefined ? date.month : Number(byMonth)
  if (!Number.isInteger(month) || month < 1 || month > 12) return undefined
  // Without a month these two mean a day of each month, or of the whole year.
  if (byMonth === undefined && (byMonthDay !== undefined || byDay !== undefined)) return undefined
  if (byDay !== undefined || bySetPos !== undefined) {
    // Outlook writes BYDAY=TH;BYSETPOS=4 for BYDAY=4TH.
    const [, sign, nth, weekday = ''] = NTH_WEEKDAY.exec(`${bySetPos ?? ''}${byDay ?? ''}`) ?? []
    if (nth === undefined || byMonthDay !== undefined) return undefined
    return (year) => nthWeekday({ year, month }, { nth: Number(nth), isFromEnd: sign === '-', weekday: WEEKDAYS.indexOf(weekday) })
  }
  const day = byMonthDay === undefined ? date.day : Number(byMonthDay)
  if (!Number.isInteger(day) || day === 0 || Math.abs(day) > 31) return undefined
  return (year) => dayOf({ year, month, day: day > 0 ? day : daysInMonth(year, month) + 1 + day })
}

function nthWeekday(
  { year, month }: { year: number; month: number },
  { nth, isFromEnd, weekday }: { nth: number; isFromEnd: boolean; weekday: number },
): DayNumber | undefined {
  const edge = dayOf({ year, month, day: isFromEnd ? daysInMonth(year, month) : 1 })
  if (edge === undefined) return undefined
  const beside = isFromEnd ? (weekdayOf(edge) - weekday + 7) % 7 : (weekday - weekdayOf(edge) + 7) % 7
  const distance = beside + 7 * (nth - 1)
  const day = isFromEnd ? edge - distance : edge + distance
  return dateOf(day).month === month ? day : undefined
}

/** When the rule applies, from `start` on and up to `last`. @throws CarillonError INVALID_CALENDAR when the budget is used up */
export function* occurrences(
  { interval, count = Number.POSITIVE_INFINITY, until = Number.POSITIVE_INFINITY, dayIn }: YearlyRule,
  { start, last, budget }: { start: DayNumber; last: DayNumber; budget: Budget },
): Generator<DayNumber> {
  const end = Math.min(until, last)
  let found = 0
  for (let year = yearOf(start); year <= yearOf(last) && found < count; year += interval) {
    budget.spend()
    const day = dayIn(year)
    if (day === undefined || day < start) continue
    if (day > end) return
    found++
    yield day
  }
}
