const DAY_MS = 86_400_000

/** A day of the calendar, counted from 1970-01-01. */
export type DayNumber = number

export const dayAt = (ms: number): DayNumber => Math.floor(ms / DAY_MS)
export const dayText = (day: DayNumber): string => new Date(day * DAY_MS).toISOString().slice(0, 10)
/** @param text as `YYYY-MM-DD` */
export const dayOfText = (text: string): DayNumber => Date.parse(`${text}T00:00:00Z`) / DAY_MS
export const yearOf = (day: DayNumber): number => new Date(day * DAY_MS).getUTCFullYear()
/** From 0, Sunday. */
export const weekdayOf = (day: DayNumber): number => new Date(day * DAY_MS).getUTCDay()

/** A date of the calendar; its month counts from 1. */
export interface YearMonthDay {
  readonly year: number
  readonly month: number
  readonly day: number
}

/** The day of a date, or undefined where the date does not exist: it is not moved to another day. */
export function dayOf({ year, month, day }: YearMonthDay): DayNumber | undefined {
  const ms = Date.UTC(year, month - 1, day)
  const date = new Date(ms)
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return exists ? ms / DAY_MS : undefined
}

export function dateOf(day: DayNumber): YearMonthDay {
  const date = new Date(day * DAY_MS)
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
}

export const daysInMonth = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate()
