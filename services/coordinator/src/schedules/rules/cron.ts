import { CarillonError, printable } from '@carillon/contracts'
import { type CronExpression, CronExpressionParser } from 'cron-parser'
import { LRUCache } from 'lru-cache'
import { IANAZone } from 'luxon'
import { normalized, wrongFields } from './cron-fields.ts'

const ALIASES = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@hourly'])
const PRINTABLE_ASCII = /^[!-~]+( [!-~]+)*$/
const ZONE = /^(UTC|[A-Za-z_]+(\/[A-Za-z0-9_+-]+)+)$/
const HOUR_MS = 3_600_000
const RANGES_HINT =
  'Use seconds and minutes 0-59, hours 0-23, days 1-31 (or L), months 1-12 or JAN-DEC, days of the week 0-7 or SUN-SAT; lists, ranges (FRI-MON, NOV-FEB) and steps of these.'

/** @throws CarillonError INVALID_TIME_ZONE */
export function checkZone(timezone: string): void {
  if (ZONE.test(timezone) && IANAZone.isValidZone(timezone)) return
  throw new CarillonError('INVALID_TIME_ZONE', `there is no time zone ${printable(timezone)}`, {
    field: 'schedule.timezone',
    value: printable(timezone),
  })
}

/**
 * Checks an expression: 5 fields, or 6 with seconds first, or an alias such as `@daily`.
 * @param after ms since 1970: "never fires" means not after this
 * @throws CarillonError INVALID_CRON, CRON_NEVER_FIRES
 */
export function checkCron(cron: string, timezone: string, after: number): void {
  const problem = wrongShape(cron)
  if (problem) throw invalid('INVALID_CRON', cron, { why: problem, hint: /it has|ASCII|aliases/.test(problem) ? undefined : RANGES_HINT })
  try {
    nextCronSlot(cron, timezone, after)
  } catch (error) {
    const text = (error as Error).message
    const never = /explicit day of month|time span|loop limit/i.test(text)
    throw never
      ? invalid('CRON_NEVER_FIRES', cron, { why: 'no date matches it' })
      : invalid('INVALID_CRON', cron, { why: text, hint: RANGES_HINT })
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
  problem: { why: string; hint?: string | undefined },
): CarillonError {
  const { why, hint } = problem
  return new CarillonError(code, `cron ${printable(cron)}: ${why}`, { field: 'schedule.cron', value: printable(cron), hint })
}

/**
 * The first slot after `after`, both in ms since 1970.
 *
 * Daylight saving: an expression whose hour is `*` follows the clock; one with fixed hours fires once a day that is
 * changed: a slot in the gap at the first instant after it, a slot that occurs twice at its first occurrence.
 */
export function nextCronSlot(cron: string, timezone: string, after: number): number {
  const expression = expressionOf(cron)
  if (timezone === 'UTC') return next(expression, after)
  const zone = IANAZone.create(timezone)
  return followsClock(cron) ? nextOnClock(expression, zone, after) : nextOnDay(expression, zone, after)
}

/** Later wall-clock times are never earlier instants, so nothing before the wall clock of `after` can come after it. */
function nextOnDay(expression: CronExpression, zone: IANAZone, after: number): number {
  let wall = after + offsetOf(zone, after)
  for (;;) {
    wall = next(expression, wall)
    const instant = instantOf(wall, zone)
    if (instant > after) return instant
  }
}

/** Each time between two changes of the clock is taken by its own offset. */
function nextOnClock(expression: CronExpression, zone: IANAZone, after: number): number {
  let [from, wall] = [after, after + offsetOf(zone, after)]
  for (;;) {
    const offset = offsetOf(zone, from)
    const instant = next(expression, wall) - offset
    if (offsetOf(zone, instant) === offset) return instant
    from = changeBetween(from, instant, zone)
    wall = from + offsetOf(zone, from) - 1
  }
}

function followsClock(cron: string): boolean {
  if (cron === '@hourly') return true
  const fields = cron.split(' ')
  return fields[fields.length - 4]?.startsWith('*') === true
}

const offsetOf = (zone: IANAZone, instant: number) => zone.offset(instant) * 60_000

/** The instant of a wall-clock time, which is given as if it were UTC. */
function instantOf(wall: number, zone: IANAZone): number {
  const [before, after] = [wall - 24 * HOUR_MS, wall + 24 * HOUR_MS]
  const instants = [before, after]
    .map((near) => wall - offsetOf(zone, near))
    .filter((instant) => instant + offsetOf(zone, instant) === wall)
  return instants.length > 0 ? Math.min(...instants) : changeBetween(before, after, zone)
}

/** The first instant at which the clock of `to` holds, and no longer that of `from`. */
function changeBetween(from: number, to: number, zone: IANAZone): number {
  let [before, after] = [from, to]
  const offset = zone.offset(before)
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (zone.offset(middle) === offset) before = middle
    else after = middle
  }
  return after
}

const PARSED_AT_MOST = 10_000
const parsed = new LRUCache<string, CronExpression>({ max: PARSED_AT_MOST })

/** Parsing costs ten times a step; jobs share few expressions. Always in UTC: zones are ours, cron-parser loops in some (every hour in Lord Howe). */
function expressionOf(cron: string): CronExpression {
  let expression = parsed.get(cron)
  if (!expression) {
    expression = CronExpressionParser.parse(normalized(cron), { tz: 'UTC', currentDate: new Date(0) })
    parsed.set(cron, expression)
  }
  return expression
}

function next(expression: CronExpression, after: number): number {
  expression.reset(new Date(after))
  return expression.next().getTime()
}
