import { createHash } from 'node:crypto'
import { CarillonError, LIMITS, parseInstant, printable, type Schedule, TIMES } from '@carillon/contracts'
import type { JobRecord } from '@carillon/store'
import { checkCron, checkZone, nextCronSlot } from './cron.ts'

/** @throws CarillonError INVALID_CRON, CRON_NEVER_FIRES, INVALID_TIME_ZONE, INVALID_DATE */
export function checkSchedule(schedule: Schedule, now: number): void {
  if ('cron' in schedule) {
    checkZone(schedule.timezone)
    checkCron(schedule.cron, schedule.timezone, now)
  } else if ('at' in schedule) {
    const at = instantAhead(schedule.at, { field: 'schedule.at', now })
    if (at < now - TIMES.misfireAfterMs)
      throw wrongDate(schedule.at, { field: 'schedule.at', why: 'has passed', hint: 'Use a time to come.' })
  }
}

/** A checked instant in ms since 1970. @throws CarillonError INVALID_DATE when it lies too far ahead */
export function instantAhead(text: string, { field, now }: { field: string; now: number }): number {
  const at = instantOf(text)
  if (at - now <= LIMITS.horizonYears * 366 * 86_400_000) return at
  throw wrongDate(text, { field, why: 'is too far ahead', hint: `Use a time within ${LIMITS.horizonYears} years.` })
}

function wrongDate(text: string, { field, why, hint }: { field: string; why: string; hint: string }): CarillonError {
  return new CarillonError('INVALID_DATE', `${field} ${printable(text)} ${why}`, { field, value: printable(text), hint })
}

/** The first slot of a schedule that begins at `now`; a fixed rate fires first one period from now. */
export function firstSlot(schedule: Schedule, now: number): number | null {
  if ('everyMs' in schedule) return now + schedule.everyMs
  if ('at' in schedule) return instantOf(schedule.at)
  return nextCronSlot(schedule.cron, schedule.timezone, now)
}

/** The slot after `slot`, or null when there is none. Fixed rates count from the planned time, so slots never drift. */
export function nextSlot(schedule: Schedule, slot: number): number | null {
  if ('everyMs' in schedule) return slot + schedule.everyMs
  if ('at' in schedule) return null
  return nextCronSlot(schedule.cron, schedule.timezone, slot)
}

type SlotTimes = Pick<JobRecord, 'nextSlotAt' | 'wakeAt'>
/** The times of a job without a next slot. */
export const NO_SLOT: SlotTimes = { nextSlotAt: null, wakeAt: null }

/** The times of a job whose next slot this is. */
export function timesOf(job: Pick<JobRecord, 'id' | 'schedule'>, nextSlotAt: number | null): SlotTimes {
  return nextSlotAt === null ? NO_SLOT : { nextSlotAt, wakeAt: nextSlotAt + jitterOf(job, nextSlotAt) }
}

/** By how much a slot is fired after its time: spread evenly over the jobs, always the same for one job and slot. */
function jitterOf({ id, schedule }: Pick<JobRecord, 'id' | 'schedule'>, slot: number): number {
  if (schedule === null || !('jitterMs' in schedule) || !schedule.jitterMs) return 0
  const hash = createHash('sha256').update(`${id} ${slot}`).digest().readUInt32BE(0)
  return Math.floor((hash / 2 ** 32) * (schedule.jitterMs + 1))
}

/** Clocks of several coordinators differ by less: a slot that is farther ahead than its schedule says was stored by a clock that was wrong. */
const TOLERATED_MS = 3_000

/**
 * The times of a job whose next slot lies farther ahead than its schedule says, because a wrong clock moved it there; undefined where they are
 * right. A fixed rate stays in its rhythm.
 */
export function repairedTimes(job: Pick<JobRecord, 'id' | 'schedule' | 'nextSlotAt'>, now: number): SlotTimes | undefined {
  const { nextSlotAt, schedule } = job
  if (nextSlotAt === null || schedule === null || 'at' in schedule) return undefined
  const first = firstSlot(schedule, now) as number
  if (nextSlotAt <= first + TOLERATED_MS) return undefined
  if (!('everyMs' in schedule)) return timesOf(job, first)
  const periods = Math.ceil((nextSlotAt - first) / schedule.everyMs)
  return timesOf(job, nextSlotAt - periods * schedule.everyMs)
}

/** The plan at `now` for a job whose next slot was `slot`. */
export interface SlotPlan {
  /** Slots to run, oldest first. */
  readonly fire: readonly number[]
  /** Missed slots that get no run of their own. */
  readonly missed?: MissedSlots
  readonly next: number | null
}

/** From the first to the last, and how many; `atLeast`: they were too many to be counted. */
export interface MissedSlots {
  readonly from: number
  readonly to: number
  readonly count: number
  readonly atLeast?: true
}

/** Slots in a row that `all` catches up on. */
const CATCH_UP_AT_MOST = 100
/** Slots of one plan; what is due beyond them is the next plan's. */
const FIRE_AT_MOST = CATCH_UP_AT_MOST + 60
/** Beyond so many the missed slots of a cron expression are counted as "at least": each costs some tens of microseconds. */
const COUNT_AT_MOST = 1_000

/** Slots that are too late: the first ones, the last two, how many, and the first that is not. */
interface LateSlots {
  readonly first: readonly number[]
  readonly last: readonly number[]
  readonly count: number
  readonly atLeast: boolean
  readonly next: number | null
}

/**
 * Decides misfires. A slot up to 60 s late is fired; of the older ones `once` fires the last, `all` each (the 100 oldest), `skip` none.
 * A year of downtime costs no loop over it.
 */
export function planSlots(schedule: Schedule, slot: number, options: { now: number; misfire: 'once' | 'skip' | 'all' }): SlotPlan {
  const oldest = options.now - TIMES.misfireAfterMs
  const late = 'everyMs' in schedule ? lateOfRate(schedule.everyMs, slot, oldest) : lateOfDates(schedule, slot, oldest)
  const fire = firedOf(late, options.misfire)
  const missed = missedOf(late, options.misfire)
  let next = late.next
  while (next !== null && next <= options.now && fire.length < FIRE_AT_MOST) {
    fire.push(next)
    next = nextSlot(schedule, next)
  }
  return { fire, next, ...(missed ? { missed } : {}) }
}

function firedOf(late: LateSlots, misfire: 'once' | 'skip' | 'all'): number[] {
  if (misfire === 'all') return late.first.slice(0, CATCH_UP_AT_MOST)
  return misfire === 'once' ? late.last.slice(-1) : []
}

function missedOf(late: LateSlots, misfire: 'once' | 'skip' | 'all'): MissedSlots | undefined {
  const before = misfire === 'all' ? CATCH_UP_AT_MOST : 0
  const count = late.count - before - (misfire === 'once' ? 1 : 0)
  if (count <= 0) return undefined
  const to = late.last.at(misfire === 'once' ? -2 : -1) as number
  return { from: late.first[before] as number, to, count, ...(late.atLeast ? { atLeast: true } : {}) }
}

/** Counted by division. */
function lateOfRate(everyMs: number, slot: number, oldest: number): LateSlots {
  const count = Math.max(0, Math.ceil((oldest - slot) / everyMs))
  const at = (index: number) => slot + index * everyMs
  const first = Array.from({ length: Math.min(count, CATCH_UP_AT_MOST + 1) }, (_, i) => at(i))
  const last = [count - 2, count - 1].filter((index) => index >= 0).map(at)
  return { first, last, count, atLeast: false, next: at(count) }
}

function lateOfDates(schedule: Schedule, slot: number, oldest: number): LateSlots {
  const slots: number[] = []
  let next: number | null = slot
  while (next !== null && next < oldest && slots.length < COUNT_AT_MOST) {
    slots.push(next)
    next = nextSlot(schedule, next)
  }
  const first = slots.slice(0, CATCH_UP_AT_MOST + 1)
  if (next === null || next >= oldest) return { first, last: slots.slice(-2), count: slots.length, atLeast: false, next }
  const last = lastSlotBefore(schedule, next, oldest)
  const before = lastSlotBefore(schedule, slots.at(-1) as number, last)
  return { first, last: [before, last], count: COUNT_AT_MOST + 1, atLeast: true, next: nextSlot(schedule, last) }
}

/** The last slot before `end`, where `slot` is one: found by halving, so its cost grows with the logarithm of the time between. */
function lastSlotBefore(schedule: Schedule, slot: number, end: number): number {
  let [last, before, after] = [slot, slot, end]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    const found = nextSlot(schedule, middle)
    if (found !== null && found < end) [last, before] = [found, found]
    else after = middle
  }
  return last
}

const instantOf = (at: string) => parseInstant(at) as number
