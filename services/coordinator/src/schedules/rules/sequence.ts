import { isDay, parseInstant, type Schedule, TIME_OF_DAY } from '@carillon/contracts'
import { nextCronSlot } from './cron.ts'
import { Zone } from './zone.ts'

const DAY_MS = 86_400_000

/** The first slot strictly after an instant, or null when there is none; both in ms since 1970. */
export type Sequence = (after: number) => number | null

/** The zone in which the planned times of a schedule are read. */
export const zoneOf = (schedule: Schedule): Zone => Zone.of(('timezone' in schedule && schedule.timezone) || 'UTC')

/**
 * The slots of a schedule, in order. Nothing but the schedule decides them, except for a fixed rate that has neither an anchor nor a start.
 * @param base of such a fixed rate: a slot, or the time at which it begins; a fixed delay has no slot of its own before the end of a run
 */
export function sequenceOf(schedule: Schedule, base: number): Sequence {
  if ('at' in schedule) {
    const instants = instantsOf(schedule.at)
    return (after) => instants.find((instant) => instant > after) ?? null
  }
  if ('afterMs' in schedule) return () => null
  const bounded = boundsOf(schedule)
  if ('cron' in schedule) return bounded((after) => nextCronSlot(schedule, after))
  const grid = gridOf(schedule, base)
  return bounded(grid === undefined ? dailyGrid(schedule) : (after) => after + grid.everyMs - modulo(after - grid.anchor, grid.everyMs))
}

/** Instants of a list, in order, each once. */
export function instantsOf(at: string | readonly string[]): number[] {
  const instants = (typeof at === 'string' ? [at] : at).map((text) => parseInstant(text) as number)
  return [...new Set(instants)].sort((a, b) => a - b)
}

/** Slots at equal distances: those can be counted by division. */
export interface Grid {
  readonly anchor: number
  readonly everyMs: number
}

/** The grid of a fixed rate; undefined where it begins anew each day. */
export function gridOf(schedule: Extract<Schedule, { everyMs: number }>, base: number): Grid | undefined {
  const { everyMs, anchor } = schedule
  if (anchor !== undefined) return TIME_OF_DAY.test(anchor) ? undefined : { anchor: parseInstant(anchor) as number, everyMs }
  return { anchor: startOf(schedule) ?? base, everyMs }
}

/** Each day from its anchor on; the last step of a day ends at the anchor of the next one, however short it is. */
function dailyGrid(schedule: Extract<Schedule, { everyMs: number }>): Sequence {
  const zone = zoneOf(schedule)
  const [hours, minutes, seconds = 0] = (schedule.anchor as string).split(':').map(Number) as [number, number, number?]
  const anchorMs = ((hours * 60 + minutes) * 60 + seconds) * 1_000
  const anchorOf = (day: number) => zone.instantOf(day * DAY_MS + anchorMs)
  return (after) => {
    let day = Math.floor(zone.wallAt(after) / DAY_MS) - 1
    while (anchorOf(day + 1) <= after) day++
    const anchor = anchorOf(day)
    const next = anchor + (Math.floor((after - anchor) / schedule.everyMs) + 1) * schedule.everyMs
    return Math.min(next, anchorOf(day + 1))
  }
}

type Bounded = Exclude<Schedule, { at: unknown }>

/** The first instant at which a schedule may have a slot. */
export function startOf(schedule: Bounded): number | undefined {
  const { startAt } = schedule
  if (startAt === undefined) return undefined
  return isDay(startAt) ? zoneOf(schedule).instantOf(Date.parse(startAt)) : parseInstant(startAt)
}

/** The last instant at which a schedule may have a slot. */
export function endOf(schedule: Bounded): number | undefined {
  const { endAt } = schedule
  if (endAt === undefined) return undefined
  return isDay(endAt) ? zoneOf(schedule).instantOf(Date.parse(endAt) + DAY_MS) - 1 : parseInstant(endAt)
}

/** No slot before the start or after the end. */
function boundsOf(schedule: Bounded): (sequence: Sequence) => Sequence {
  const [first, last] = [startOf(schedule) ?? Number.NEGATIVE_INFINITY, endOf(schedule) ?? Number.POSITIVE_INFINITY]
  return (sequence) => (after) => {
    const slot = sequence(Math.max(after, first - 1))
    return slot === null || slot > last ? null : slot
  }
}

/** The remainder with the sign of the divisor. */
const modulo = (value: number, divisor: number) => ((value % divisor) + divisor) % divisor
