import { CarillonError, printable, type QuietHours, WEEKDAYS } from '@carillon/contracts'

const [MINUTE_MS, DAY_MINUTES] = [60_000, 1_440]

/** @throws CarillonError INVALID_TIME_ZONE */
export function checkQuietHours({ timezone }: Pick<QuietHours, 'timezone'>): void {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: timezone })
  } catch {
    throw new CarillonError('INVALID_TIME_ZONE', `there is no time zone ${printable(timezone)}`, {
      field: 'quietHours.timezone',
      value: printable(timezone),
      hint: 'Use an IANA name such as Europe/Paris.',
    })
  }
}

/** When the quiet hours end that it is now; undefined: it is not quiet. A time that the clock skips, or shows twice, is taken as the clock shows it first. */
export function quietUntil(quiet: QuietHours | undefined, now: number): number | undefined {
  if (quiet === undefined) return undefined
  const { minute, weekday } = localTime(now, quiet.timezone)
  const [from, to] = [minutesOf(quiet.from), minutesOf(quiet.to)]
  const length = (to - from + DAY_MINUTES) % DAY_MINUTES
  const since = (minute - from + DAY_MINUTES) % DAY_MINUTES
  if (since >= length) return undefined
  // What began on the day before is judged by that day.
  const began = minute >= from ? weekday : (weekday + 6) % 7
  if (quiet.days && !quiet.days.includes(WEEKDAYS[began] as (typeof WEEKDAYS)[number])) return undefined
  const start = now - (now % MINUTE_MS)
  return endOnClock({ start, end: start + (length - since) * MINUTE_MS, to, timezone: quiet.timezone })
}

/** Where the clock is changed before the end, the end is as much earlier or later; where the clock skips it, it is when the clock is changed. */
function endOnClock({ start, end, to, timezone }: { start: number; end: number; to: number; timezone: string }): number {
  const half = DAY_MINUTES / 2
  const off = ((localTime(end, timezone).minute - to + DAY_MINUTES + half) % DAY_MINUTES) - half
  const moved = end - off * MINUTE_MS
  if (off === 0 || localTime(moved, timezone).minute === to) return moved
  let [before, after] = [start, Math.max(end, moved)]
  while (after - before > MINUTE_MS) {
    const between = before + Math.floor((after - before) / MINUTE_MS / 2) * MINUTE_MS
    if (offsetOf(between, timezone) === offsetOf(start, timezone)) before = between
    else after = between
  }
  return after
}

/** Minutes that the clock is ahead of UTC, of one day. */
const offsetOf = (at: number, timezone: string) =>
  (localTime(at, timezone).minute + DAY_MINUTES - (Math.floor(at / MINUTE_MS) % DAY_MINUTES)) % DAY_MINUTES

const minutesOf = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5))

const FORMATS = new Map<string, Intl.DateTimeFormat>()

/** @returns the minute of the day, and the day of the week from Monday on */
function localTime(now: number, timezone: string): { minute: number; weekday: number } {
  let format = FORMATS.get(timezone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
    FORMATS.set(timezone, format)
  }
  const parts = Object.fromEntries(format.formatToParts(now).map(({ type, value }) => [type, value]))
  const weekday = WEEKDAYS.indexOf(String(parts['weekday']).toUpperCase() as (typeof WEEKDAYS)[number])
  return { minute: Number(parts['hour']) * 60 + Number(parts['minute']), weekday }
}
