import { CarillonError, parseInstant, printable, type Schedule, TIMES } from '@carillon/contracts'
import { checkCron, checkZone, nextCronSlot } from './cron.ts'

/** @throws CarillonError INVALID_CRON, CRON_NEVER_FIRES, INVALID_TIME_ZONE, INVALID_DATE */
export function checkSchedule(schedule: Schedule, now: number): void {
  if ('cron' in schedule) {
    checkZone(schedule.timezone)
    checkCron(schedule.cron, schedule.timezone, now)
  } else if ('at' in schedule && instantOf(schedule.at) < now - TIMES.misfireAfterMs) {
    throw new CarillonError('INVALID_DATE', `at ${printable(schedule.at)} has passed`, {
      field: 'schedule.at',
      value: printable(schedule.at),
      hint: 'Use a time to come.',
    })
  }
}

/** The first slot of a schedule that begins at `now`; a fixed rate fires first one period from now. */
export function firstSlot(schedule: Schedule, now: number): number | null {
  if ('everyMs' in schedule) return now + schedule.everyMs
  if ('at' in schedule) return instantOf(schedule.at)
  return nextCronSlot(schedule.cron, schedule.timezone, now)
}

/** The slot after `slot`, or null when there is none. Fixed rates count from the planned time, so slots never drift (semantics A4). */
export function nextSlot(schedule: Schedule, slot: number): number | null {
  if ('everyMs' in schedule) return slot + schedule.everyMs
  if ('at' in schedule) return null
  return nextCronSlot(schedule.cron, schedule.timezone, slot)
}

/** What to do at `now` about a job whose next slot was `slot`. */
export interface SlotPlan {
  /** Slots to run, oldest first. */
  readonly fire: readonly number[]
  /** Missed slots that get no run of their own: from the first to the last, and how many. */
  readonly missed?: { readonly from: number; readonly to: number; readonly count: number }
  readonly next: number | null
}

/** Slots in a row that `all` catches up on (semantics, misfire). */
const CATCH_UP_AT_MOST = 100
/** Beyond so many missed slots they are counted as "at least". */
const COUNT_AT_MOST = 10_000

/**
 * Decides misfires. A slot up to 60 s late is fired; of the older ones `once` fires the last, `all` each (the 100 oldest), `skip` none.
 * Fixed rates are counted by division, so a year of downtime costs no loop.
 */
export function planSlots(schedule: Schedule, slot: number, options: { now: number; misfire: 'once' | 'skip' | 'all' }): SlotPlan {
  const oldest = options.now - TIMES.misfireAfterMs
  const late: number[] = []
  let count = 0
  let last = slot
  let at: number | null = slot
  while (at !== null && at < oldest && count < COUNT_AT_MOST) {
    if (late.length < CATCH_UP_AT_MOST) late.push(at)
    count++
    last = at
    at = nextSlot(schedule, at)
  }
  if (at !== null && at < oldest) {
    last = at
    at = 'everyMs' in schedule ? at + Math.ceil((oldest - at) / schedule.everyMs) * schedule.everyMs : firstSlot(schedule, oldest)
  }
  const fire = options.misfire === 'all' ? late : options.misfire === 'once' && count > 0 ? [last] : []
  while (at !== null && at <= options.now && fire.length < CATCH_UP_AT_MOST + 60) {
    fire.push(at)
    at = nextSlot(schedule, at)
  }
  const unfired = count - Math.min(count, options.misfire === 'all' ? late.length : options.misfire === 'once' ? 1 : 0)
  return {
    fire,
    next: at,
    ...(unfired > 0
      ? {
          missed: {
            from: options.misfire === 'all' ? (nextSlot(schedule, late.at(-1) as number) as number) : slot,
            to: last,
            count: unfired,
          },
        }
      : {}),
  }
}

const instantOf = (at: string) => parseInstant(at) as number
