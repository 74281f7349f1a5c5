import type { Reason, Schedule } from '@carillon/contracts'
import { type Sequence, zoneOf } from './sequence.ts'

const DAY_MS = 86_400_000

/** What is said of a slot, and of every other before `until`. */
export interface Verdict {
  /** Why it has no run; undefined: it may run. */
  readonly reason: Extract<Reason, 'calendar' | 'failure-backoff'> | undefined
  readonly until: number
}
export type Judge = (slot: number) => Verdict

/** The names of the calendars that a job uses. */
export function calendarsOf({ schedule }: { readonly schedule: Schedule | null }): string[] {
  return ((schedule && 'calendars' in schedule && schedule.calendars) || []).map(({ calendar }) => calendar)
}

/** Days as `YYYY-MM-DD`, by the name of their calendar. */
export type Calendars = ReadonlyMap<string, ReadonlySet<string>>

const MAY_RUN: Verdict = { reason: undefined, until: Number.POSITIVE_INFINITY }
export const allMayRun: Judge = () => MAY_RUN

/**
 * Which slots have no run: those on days that the calendars of the schedule exclude, and those before `backoffUntil`. A calendar that is not known has no days.
 */
export function judgeOf(schedule: Schedule, { calendars, backoffUntil }: { calendars: Calendars; backoffUntil: number | null }): Judge {
  const used = ('calendars' in schedule && schedule.calendars) || []
  if (used.length === 0 && backoffUntil === null) return allMayRun
  const daysOf = (rule: 'skip' | 'only') =>
    used.filter((use) => use.rule === rule).map(({ calendar }) => calendars.get(calendar) ?? new Set<string>())
  const [skipped, only] = [daysOf('skip'), daysOf('only')]
  const isOff = (date: string) => skipped.some((days) => days.has(date)) || (only.length > 0 && !only.some((days) => days.has(date)))
  const zone = zoneOf(schedule)
  return (slot) => {
    if (backoffUntil !== null && slot < backoffUntil) return { reason: 'failure-backoff', until: backoffUntil }
    if (used.length === 0) return MAY_RUN
    const day = Math.floor(zone.wallAt(slot) / DAY_MS)
    // Where the clock is set back at midnight a day is shown twice.
    const until = Math.max(zone.instantOf((day + 1) * DAY_MS), slot + 1)
    return { reason: isOff(dateOf(day)) ? 'calendar' : undefined, until }
  }
}

const dateOf = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10)

/** Days that are searched for a slot that may run: eight years with their leap day. */
const DAYS_SEARCHED = 8 * 366

/** The slots that may run, in order; null also when eight years of days have none. */
export function permittedOf(sequence: Sequence, judge: Judge): Sequence {
  if (judge === allMayRun) return sequence
  return (after) => {
    let slot = sequence(after)
    for (let i = 0; i < DAYS_SEARCHED && slot !== null; i++) {
      const { reason, until } = judge(slot)
      if (reason === undefined) return slot
      slot = sequence(until - 1)
    }
    return null
  }
}
