import { printable } from '@carillon/contracts'
import { type DayNumber, dayText } from '../day.ts'
import { Budget } from './budget.ts'
import { daysOfEvent, type Horizon, type Omission, summaryOf } from './event-days.ts'
import { componentsOf } from './events.ts'

/** The days of an iCalendar text, ascending, and in words what of it is not among them. */
export interface DaysOfIcs {
  readonly days: readonly DayNumber[]
  readonly omissions: readonly string[]
}

/** What is left out: one, several, and what to do about it. */
const WORDS: Readonly<Record<Omission | 'other', readonly [one: string, several: string, advice?: string]>> = {
  timed: ['event at a time of day', 'events at a time of day'],
  cancelled: ['cancelled event', 'cancelled events'],
  exception: ['change of a single repetition (RECURRENCE-ID)', 'changes of single repetitions (RECURRENCE-ID)', 'correct its day by hand'],
  rule: ['event that repeats otherwise than once a year', 'events that repeat otherwise than once a year'],
  workday: ['make-up workday', 'make-up workdays', 'jobs that run on these need them in a calendar of their own'],
  undated: ['event without DTSTART', 'events without DTSTART'],
  beyond: ['event without a day from', 'events without a day from'],
  other: ['entry that is no event', 'entries that are no events'],
}

/**
 * Reads all-day events: those on one date, and those that repeat once a year, as far as the horizon.
 * @throws CarillonError INVALID_CALENDAR that names the line
 */
export function daysOfIcs(text: string, horizon: Horizon): DaysOfIcs {
  const { events, others } = componentsOf(text)
  const budget = new Budget()
  const days = new Set<DayNumber>()
  const omitted = new Map<Omission | 'other', { count: number; readonly line: number; readonly summary: string }>()
  const omit = (kind: Omission | 'other', line: number, summary: string) => {
    const before = omitted.get(kind)
    if (before) before.count++
    else omitted.set(kind, { count: 1, line, summary })
  }
  for (const event of events) {
    const found = daysOfEvent(event, horizon, budget)
    if (typeof found === 'string') omit(found, event.line, summaryOf(event))
    else for (const day of found) days.add(day)
  }
  for (const line of others) omit('other', line, '')
  const omissions = [...omitted].map(([kind, { count, line, summary }]) => {
    const [one, several, advice] = WORDS[kind]
    const what = `${count} ${count === 1 ? one : several}${kind === 'beyond' ? ` ${dayText(horizon.first)} to ${dayText(horizon.last)}` : ''}`
    const where = `${count === 1 ? 'in' : 'the first in'} line ${line}${summary === '' ? '' : `, ${printable(summary, 60)}`}`
    return `left out: ${what}, ${where}${advice === undefined ? '' : `; ${advice}`}`
  })
  return { days: [...days].sort((a, b) => a - b), omissions }
}
