import { createHash } from 'node:crypto'
import { CarillonError, LIMITS, parseInstant, printable, type Schedule, TIME_OF_DAY, TIMES } from '@carillon/contracts'
import type { JobRecord } from '@carillon/store'
import { checkCron } from './cron.ts'
import { allMayRun, type Judge, permittedOf } from './exclusions.ts'
import { endOf, gridOf, instantsOf, sequenceOf, startOf } from './sequence.ts'
import { checkZone } from './zone.ts'

const DAY_MS = 86_400_000
const HORIZON_MS = LIMITS.horizonYears * 366 * DAY_MS
/** Slots of which the distances are compared with the jitter. */
const SLOTS_COMPARED = 100

/**
 * @param judge with the calendars of the schedule
 * @throws CarillonError INVALID_CRON, CRON_NEVER_FIRES, INVALID_TIME_ZONE, INVALID_DATE, INVALID_SCHEDULE, CALENDAR_EXCLUDES_ALL
 */
export function checkSchedule(schedule: Schedule, now: number, judge: Judge = allMayRun): void {
  if ('at' in schedule) checkInstants(schedule.at, now)
  else checkTimes(schedule, now, judge)
}

function checkTimes(schedule: Exclude<Schedule, { at: unknown }>, now: number, judge: Judge): void {
  if (schedule.timezone !== undefined) checkZone(schedule.timezone)
  if ('cron' in schedule) checkCron(schedule, now)
  else if ('everyMs' in schedule) checkAnchor(schedule)
  const start = startOf(schedule)
  if (start !== undefined && start - now > HORIZON_MS) throw tooFarAhead(schedule.startAt as string, 'schedule.startAt')
  const first = firstSlot(schedule, now)
  if (first === null)
    throw wrongDate(schedule.endAt ?? '', {
      field: 'schedule.endAt',
      why: 'leaves no slot',
      hint: 'Use a time after the first slot to come.',
    })
  checkJitter(schedule, first)
  if (judge(first).reason !== undefined && permittedOf(sequenceOf(schedule, first), judge)(first) === null) throw excludesAll(schedule)
}

function checkInstants(at: string | readonly string[], now: number): void {
  const texts = typeof at === 'string' ? [at] : at
  for (const [i, text] of texts.entries()) instantAhead(text, { field: typeof at === 'string' ? 'schedule.at' : `schedule.at.${i}`, now })
  if (!instantsOf(at).some((instant) => instant >= now - TIMES.misfireAfterMs))
    throw wrongDate(texts.at(-1) as string, { field: 'schedule.at', why: 'has passed', hint: 'Use a time to come.' })
}

function checkAnchor({ everyMs, anchor }: Extract<Schedule, { everyMs: number }>): void {
  if (anchor === undefined || !TIME_OF_DAY.test(anchor) || everyMs <= DAY_MS) return
  throw new CarillonError('INVALID_SCHEDULE', `a period of ${everyMs} ms does not begin anew each day at ${anchor}`, {
    field: 'schedule.anchor',
    value: printable(anchor),
    hint: 'With a period of more than a day use an instant as anchor, such as 2030-01-31T09:00:00Z.',
  })
}

/** Slots of one job must not overtake each other. */
function checkJitter(schedule: Exclude<Schedule, { at: unknown }>, first: number): void {
  const { jitterMs } = schedule
  if (!jitterMs || !('cron' in schedule)) return
  const sequence = sequenceOf(schedule, first)
  let slot = first
  for (let i = 0; i < SLOTS_COMPARED; i++) {
    const next = sequence(slot)
    if (next === null) return
    if (next - slot < jitterMs)
      throw new CarillonError('INVALID_SCHEDULE', `a jitter of ${jitterMs} ms is longer than the ${next - slot} ms between two slots`, {
        field: 'schedule.jitterMs',
        value: printable(jitterMs),
        hint: `Use at most ${next - slot}.`,
      })
    slot = next
  }
}

function excludesAll(schedule: Schedule): CarillonError {
  const calendars = ('calendars' in schedule && schedule.calendars) || []
  const value = printable(calendars.map(({ rule, calendar }) => `${rule}:${calendar}`).join(', '))
  return new CarillonError('CALENDAR_EXCLUDES_ALL', `calendars ${value} exclude every slot`, { field: 'schedule.calendars', value })
}

/** A checked instant in ms since 1970. @throws CarillonError INVALID_DATE when it lies too far ahead */
export function instantAhead(text: string, { field, now }: { field: string; now: number }): number {
  const at = parseInstant(text) as number
  if (at - now <= HORIZON_MS) return at
  throw tooFarAhead(text, field)
}

function tooFarAhead(text: string, field: string): CarillonError {
  return wrongDate(text, { field, why: 'is too far ahead', hint: `Use a time within ${LIMITS.horizonYears} years.` })
}

function wrongDate(text: string, { field, why, hint }: { field: string; why: string; hint: string }): CarillonError {
  return new CarillonError('INVALID_DATE', `${field} ${printable(text)} ${why}`, { field, value: printable(text), hint })
}

/**
 * The first slot of a schedule that begins at `now`. A fixed rate without an anchor or a start fires first one period from now, a fixed delay when it has
 * passed once; of a list the first instant that is not late counts.
 */
export function firstSlot(schedule: Schedule, now: number): number | null {
  if ('at' in schedule) return sequenceOf(schedule, now)(now - TIMES.misfireAfterMs - 1)
  if ('afterMs' in schedule) return slotAfterEnd(schedule, now)
  return sequenceOf(schedule, now)(now)
}

/** The first slot that is to come: of a job that goes on at `now`. */
export function slotFrom(schedule: Schedule, now: number): number | null {
  return 'at' in schedule ? sequenceOf(schedule, now)(now - 1) : firstSlot(schedule, now)
}

/** Whether two schedules have the same slots: instants may be written in any order and zone. */
export function isSameSchedule(one: Schedule | null, other: Schedule | null): boolean {
  if (one && other && 'at' in one && 'at' in other) return String(instantsOf(one.at)) === String(instantsOf(other.at))
  return JSON.stringify(one) === JSON.stringify(other)
}

/** The next slot of a fixed delay when a run has ended. */
export function slotAfterEnd(schedule: Extract<Schedule, { afterMs: number }>, endedAt: number, notBefore = 0): number | null {
  const slot = Math.max(endedAt + schedule.afterMs, startOf(schedule) ?? 0, notBefore)
  return slot > (endOf(schedule) ?? Number.POSITIVE_INFINITY) ? null : slot
}

/** The slot after `slot`, or null when there is none. Fixed rates count from the planned time, so slots never drift. */
export const nextSlot = (schedule: Schedule, slot: number): number | null => sequenceOf(schedule, slot)(slot)

export type SlotTimes = Pick<JobRecord, 'nextSlotAt' | 'wakeAt' | 'awaits' | 'chosenSlotAt'>
/** The times of a job without a next slot. */
export const NO_SLOT: SlotTimes = { nextSlotAt: null, wakeAt: null, awaits: null, chosenSlotAt: null }

/** The end of an awaited run moves its job at once; a coordinator that stopped in between is noticed after so long. */
const AWAIT_CHECK_MS = 10_000

/** The times of a job whose next slot is counted from the end of a run. */
export const timesAwaiting = (runId: string, now: number): SlotTimes => ({ ...NO_SLOT, awaits: runId, wakeAt: now + AWAIT_CHECK_MS })

/** A job whose next slots are all excluded is woken after so long, in case its calendars have changed unnoticed. */
const EXCLUDED_CHECK_MS = 30 * DAY_MS

/** The times of a job whose next slot this is: it is woken for the first one from there on that may run. */
export function timesOf(job: Pick<JobRecord, 'id' | 'schedule'>, nextSlotAt: number | null, judge: Judge = allMayRun): SlotTimes {
  if (nextSlotAt === null) return NO_SLOT
  const slot = slotOfWake({ schedule: job.schedule, nextSlotAt }, judge)
  const wakeAt = slot === null ? nextSlotAt + EXCLUDED_CHECK_MS : slot + jitterOf(job, slot)
  return { ...NO_SLOT, nextSlotAt, wakeAt }
}

/** The slot for which a job is woken: its next one that may run; null: none within eight years. */
export function slotOfWake({ schedule, nextSlotAt }: Pick<JobRecord, 'schedule' | 'nextSlotAt'>, judge: Judge): number | null {
  if (schedule === null || nextSlotAt === null || judge(nextSlotAt).reason === undefined) return nextSlotAt
  return permittedOf(sequenceOf(schedule, nextSlotAt), judge)(nextSlotAt)
}

/** By how much a slot is fired after its time: spread evenly over the jobs, always the same for one job and slot. */
export function jitterOf({ id, schedule }: Pick<JobRecord, 'id' | 'schedule'>, slot: number): number {
  if (schedule === null || !('jitterMs' in schedule) || !schedule.jitterMs) return 0
  const hash = createHash('sha256').update(`${id} ${slot}`).digest().readUInt32BE(0)
  return Math.floor((hash / 2 ** 32) * (schedule.jitterMs + 1))
}

/** Clocks of several coordinators differ by less: a slot that is farther ahead than its schedule says was stored by a clock that was wrong. */
const TOLERATED_MS = 3_000

/**
 * The next slot of a job when the stored one lies farther ahead than its schedule says, because a wrong clock moved it there; undefined where it is right.
 * A fixed rate keeps its grid.
 */
export function repairedSlot(job: Pick<JobRecord, 'schedule' | 'nextSlotAt' | 'chosenSlotAt'>, now: number): number | undefined {
  const { nextSlotAt, schedule } = job
  if (nextSlotAt === null || schedule === null || 'at' in schedule || job.chosenSlotAt === nextSlotAt) return undefined
  const first = firstSlot(schedule, now)
  if (first === null || nextSlotAt <= first + TOLERATED_MS) return undefined
  const grid = 'everyMs' in schedule ? gridOf(schedule, nextSlotAt) : undefined
  return grid ? nextSlotAt - Math.ceil((nextSlotAt - first) / grid.everyMs) * grid.everyMs : first
}
