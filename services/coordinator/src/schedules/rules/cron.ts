import { CarillonError, printable, type Schedule } from '@carillon/contracts'
import { type CronExpression, CronExpressionParser } from 'cron-parser'
import { LRUCache } from 'lru-cache'
import { hoursOf, normalized, wrongFields } from './cron-fields.ts'
import { Zone } from './zone.ts'

const ALIASES = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@hourly'])
const PRINTABLE_ASCII = /^[!-~]+( [!-~]+)*$/
const RANGES_HINT =
  'Use seconds and minutes 0-59, hours 0-23, days 1-31 (or L), months 1-12 or JAN-DEC, days of the week 0-7 or SUN-SAT; lists, ranges (FRI-MON, NOV-FEB) and steps of these.'

/**
 * Checks an expression: 5 fields, or 6 with seconds first, or an alias such as `@daily`.
 * @param after ms since 1970: "never fires" means not after this
 * @param field which an error names
 * @throws CarillonError INVALID_CRON, CRON_NEVER_FIRES
 */
export function checkCron(schedule: CronSchedule, after: number, field = 'schedule.cron'): void {
  const { cron } = schedule
  const problem = wrongShape(cron)
  if (problem)
    throw invalid('INVALID_CRON', cron, { field, why: problem, hint: /it has|ASCII|aliases/.test(problem) ? undefined : RANGES_HINT })
  try {
    nextCronSlot(schedule, after)
  } catch (error) {
    const text = (error as Error).message
    const never = /explicit day of month|time span|loop limit/i.test(text)
    throw never
      ? invalid('CRON_NEVER_FIRES', cron, { field, why: 'no date matches it' })
      : invalid('INVALID_CRON', cron, { field, why: text, hint: RANGES_HINT })
  }
}

function wrongShape(cron: string): string | undefined {
  if (cron.startsWith('@')) return ALIASES.has(cron) ? undefined : `the aliases are ${[...ALIASES].join(', ')}`
  if (!PRINTABLE_ASCII.test(cron)) return 'fields are ASCII, separated by one space'
  const fields = cron.split(' ')
  if (fields.length !== 5 && fields.length !== 6) return `it has ${fields.length} fields, not 5 (or 6 with seconds first)`
  return wrongFields(fields)
}

/** @param problem why it is wrong, and what would be right if the catalogue's hint is not enough */
function invalid(
  code: 'INVALID_CRON' | 'CRON_NEVER_FIRES',
  cron: string,
  problem: { field: string; why: string; hint?: string | undefined },
): CarillonError {
  const { field, why, hint } = problem
  return new CarillonError(code, `cron ${printable(cron)}: ${why}`, { field, value: printable(cron), hint })
}

/** A cron expression, and what becomes of fixed times of day on days on which the clock is changed. */
export type CronSchedule = Extract<Schedule, { cron: string }>

/**
 * The first slot after `after`, both in ms since 1970.
 *
 * Daylight saving: an expression that repeats through the day follows the clock, so every match of the wall clock is a slot and nothing else. Of fixed
 * times of day `dstGap` and `dstOverlap` decide. Several slots of one gap are one slot, the first instant after it.
 */
export function nextCronSlot(schedule: CronSchedule, after: number): number {
  const { cron, timezone, dstGap = 'next', dstOverlap = 'first' } = schedule
  const known = parsedOf(cron)
  if (timezone === 'UTC') return next(known, after)
  const zone = Zone.of(timezone)
  const isRepeating = repeatsThroughDay(cron)
  const movesGap = !isRepeating && dstGap === 'next'
  const isOnce = !isRepeating && dstOverlap === 'first'
  let [from, offset] = [after, zone.offsetAt(after)]
  let wall = isOnce ? Math.max(after + offset, shownBefore(zone, after)) : after + offset
  // The time between two changes of the clock has one offset.
  for (;;) {
    const instant = next(known, wall) - offset
    const change = zone.nextChange(from)
    if (instant < change) return instant
    const changed = zone.offsetAt(change)
    if (movesGap && changed > offset && next(known, change + offset - 1) < change + changed) return change
    wall = change + (isOnce ? Math.max(offset, changed) : changed) - 1
    from = change
    offset = changed
  }
}

/** The last wall-clock time that was shown before the clock was last set back. */
function shownBefore(zone: Zone, at: number): number {
  const change = zone.lastChange(at)
  return change === undefined ? Number.NEGATIVE_INFINITY : zone.wallAt(change - 1)
}

/** Whether an expression fires in every hour, or every so many hours from the first one on. */
function repeatsThroughDay(cron: string): boolean {
  if (cron.startsWith('@')) return cron === '@hourly'
  const hours = cron.split(' ').at(-4) as string
  return hours.startsWith('*') || /^0\/\d+$/.test(hours) || hoursOf(hours).size === 24
}

const PARSED_AT_MOST = 10_000
const parsed = new LRUCache<string, Parsed>({ max: PARSED_AT_MOST })

/** An expression with the last match that was searched: `to` is the first one after `from`. Jobs with the same expression ask for the same. */
interface Parsed {
  readonly expression: CronExpression
  from: number
  to: number
}

/** Parsing costs ten times a step; jobs share few expressions. Always in UTC: zones are ours, cron-parser loops in some (every hour in Lord Howe). */
function parsedOf(cron: string): Parsed {
  let known = parsed.get(cron)
  if (!known) {
    const expression = CronExpressionParser.parse(normalized(cron), { tz: 'UTC', currentDate: new Date(0) })
    known = { expression, from: 0, to: 0 }
    parsed.set(cron, known)
  }
  return known
}

function next(known: Parsed, after: number): number {
  if (after >= known.from && after < known.to) return known.to
  const { expression } = known
  expression.reset(new Date(after))
  known.to = expression.next().getTime()
  known.from = after
  return known.to
}
