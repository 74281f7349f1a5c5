/** A day of a month that is drawn, with the slots that fall on it. */
export interface MonthDay<Slot> {
  /** `YYYY-MM-DD` in the zone of the schedule. */
  readonly day: string
  readonly date: number
  readonly slots: readonly Slot[]
}
export interface Month<Slot> {
  /** `YYYY-MM`. */
  readonly month: string
  /** Empty places before the first day: weeks begin on Monday. */
  readonly blanks: number
  readonly days: readonly MonthDay<Slot>[]
}

/** More months than this are a list. */
const MOST_MONTHS = 12

/**
 * The months on whose days slots fall, by what the clock of the schedule's zone shows.
 * @param slots in order; `local` begins with `YYYY-MM-DD`
 */
export function monthsOf<Slot extends { readonly local: string }>(slots: readonly Slot[]): Month<Slot>[] {
  const byDay = new Map<string, Slot[]>()
  for (const slot of slots) {
    const day = slot.local.slice(0, 10)
    byDay.set(day, [...(byDay.get(day) ?? []), slot])
  }
  const months = [...new Set([...byDay.keys()].map((day) => day.slice(0, 7)))].slice(0, MOST_MONTHS)
  return months.map((month) => {
    const [year = 0, number = 1] = month.split('-').map(Number)
    const count = new Date(Date.UTC(year, number, 0)).getUTCDate()
    const firstWeekday = new Date(Date.UTC(year, number - 1, 1)).getUTCDay()
    return {
      month,
      blanks: (firstWeekday + 6) % 7,
      days: Array.from({ length: count }, (_, i) => {
        const day = `${month}-${String(i + 1).padStart(2, '0')}`
        return { day, date: i + 1, slots: byDay.get(day) ?? [] }
      }),
    }
  })
}
