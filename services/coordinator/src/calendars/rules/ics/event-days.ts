import type { DayNumber } from '../day.ts'
import type { Budget } from './budget.ts'
import type { ContentLine } from './content-lines.ts'
import { dateIn, datesIn, isDate } from './dates.ts'
import type { IcsEvent } from './events.ts'
import { refuse } from './refuse.ts'
import { occurrences, type YearlyRule, yearlyRuleOf } from './yearly-rule.ts'

/** The days that a calendar may have. */
export interface Horizon {
  readonly first: DayNumber
  readonly last: DayNumber
}

/** Why an event is left out. */
export type Omission = 'timed' | 'cancelled' | 'exception' | 'rule' | 'workday' | 'undated' | 'beyond'

/** Days on which people work although they would be off, by the words of the calendars that have them. */
const WORKDAY = /补班|補班|上班|補行上班|[（(][班补補][）)]|\b(?:make-?up|special|extra|substitute) work(?:ing)? ?days?\b/i
const SUMMARY_LETTERS = 200

export const summaryOf = ({ properties }: IcsEvent): string =>
  (properties.get('SUMMARY')?.[0]?.value ?? '').slice(0, SUMMARY_LETTERS).replace(/\\([,;\\])/g, '$1')

/**
 * The days of an event within the horizon, or why it has none.
 * @throws CarillonError INVALID_CALENDAR for dates and rules that cannot be
 */
export function daysOfEvent(event: IcsEvent, horizon: Horizon, budget: Budget): ReadonlySet<DayNumber> | Omission {
  const one = (name: string) => event.properties.get(name)?.[0]
  const start = one('DTSTART')
  if (one('STATUS')?.value.trim().toUpperCase() === 'CANCELLED') return 'cancelled'
  if (one('RECURRENCE-ID')) return 'exception'
  if (!start) return 'undated'
  if (!isDate(start.value)) return 'timed'
  if (isWorkday(event)) return 'workday'
  const first = dateIn(start)
  const rules = event.properties.get('RRULE') ?? []
  if (rules.length > 1 || one('EXRULE')) return 'rule'
  const rule = rules[0] && yearlyRuleOf(rules[0], first)
  if (rules[0] && !rule) return 'rule'
  const length = lengthOf(first, { end: one('DTEND'), duration: one('DURATION') })
  const days = new Set<DayNumber>()
  for (const begin of beginnings(event, { first, rule, last: horizon.last, budget }))
    for (let day = Math.max(begin, horizon.first); day < begin + length && day <= horizon.last; day++) {
      budget.spend()
      days.add(day)
    }
  return days.size > 0 ? days : 'beyond'
}

const isWorkday = (event: IcsEvent) =>
  event.properties.get('X-APPLE-SPECIAL-DAY')?.[0]?.value.trim().toUpperCase() === 'ALTERNATE-WORKDAY' || WORKDAY.test(summaryOf(event))

/** `DTEND` is the day after the last one. */
function lengthOf(first: DayNumber, { end, duration }: { end: ContentLine | undefined; duration: ContentLine | undefined }): number {
  if (end) {
    const length = dateIn(end) - first
    if (length >= 0) return Math.max(1, length)
    throw refuse('DTEND is before DTSTART', { line: end.line, value: end.value, hint: 'DTEND is the day after the last one.' })
  }
  if (!duration) return 1
  const [, weeks, days] = /^\+?P(?:(\d{1,5})W|(\d{1,5})D)$/i.exec(duration.value.trim()) ?? []
  const length = Number(weeks ?? 0) * 7 + Number(days ?? 0)
  if (length > 0) return length
  throw refuse('DURATION is no number of days', {
    line: duration.line,
    value: duration.value,
    hint: 'Use weeks or days, such as P2W or P3D.',
  })
}

function* beginnings(
  { properties }: IcsEvent,
  { first, rule, last, budget }: { first: DayNumber; rule: YearlyRule | undefined; last: DayNumber; budget: Budget },
): Generator<DayNumber> {
  const excluded = new Set<DayNumber>()
  for (const property of properties.get('EXDATE') ?? []) for (const day of datesIn(property)) excluded.add(day)
  const regular = rule ? occurrences(rule, { start: first, last, budget }) : [first]
  for (const day of regular) if (!excluded.has(day)) yield day
  for (const property of properties.get('RDATE') ?? []) for (const day of datesIn(property)) if (!excluded.has(day)) yield day
}
