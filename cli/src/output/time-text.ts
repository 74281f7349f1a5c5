const [SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS] = [1_000, 60_000, 3_600_000, 86_400_000]
const STEPS = [
  [DAY_MS, 'd'],
  [HOUR_MS, 'h'],
  [MINUTE_MS, 'min'],
  [SECOND_MS, 's'],
] as const

/** A span in its largest unit, such as `4 s`, `2 min`, `60 d`; below a second in `ms`. */
export function spanText(ms: number): string {
  const rounded = Math.abs(ms) < SECOND_MS ? Math.round(Math.abs(ms)) : Math.round(Math.abs(ms) / SECOND_MS) * SECOND_MS
  const [unitMs, unit] = STEPS.find(([size]) => rounded >= size) ?? [1, 'ms']
  return `${Math.round(rounded / unitMs)} ${unit}`
}

/** A span that somebody has chosen, as a setting, to the millisecond: `90 s` is `1 min 30 s`, never `2 min`. */
export function exactSpanText(ms: number): string {
  const parts: string[] = []
  let rest = ms
  for (const [unitMs, unit] of [...STEPS, [1, 'ms'] as const]) {
    const count = Math.floor(rest / unitMs)
    if (count > 0) parts.push(`${count} ${unit}`)
    rest -= count * unitMs
  }
  return parts.join(' ') || '0 ms'
}

/** A span with one decimal below a minute: how long something took. */
export function tookText(ms: number): string {
  return ms >= SECOND_MS && ms < MINUTE_MS ? `${(ms / SECOND_MS).toFixed(1)} s` : spanText(ms)
}

/** A time of the wire for people: relative and, in the local zone, absolute: `in 4 s (10:00:05)`, `2 d ago (2026-11-19 10:00 +01:00)`. */
export const timeText = (iso: string | undefined, nowMs: number): string =>
  iso === undefined ? '' : `${relativeText(iso, nowMs)} (${absoluteText(Date.parse(iso), nowMs)})`

/** Since when: the time of day, with its date where that is not today. */
export const sinceText = (iso: string | undefined, nowMs: number): string =>
  iso === undefined ? '' : `, since ${absoluteText(Date.parse(iso), nowMs)}`

function absoluteText(at: number, nowMs: number): string {
  const local = localText(at)
  return isSameDay(at, nowMs) ? local.slice(11, 19) : `${local.slice(0, 16)} ${zoneText(at)}`
}

/** How long ago, or ahead: for where there is little room. */
export function relativeText(iso: string | undefined, nowMs: number): string {
  if (iso === undefined) return ''
  const ahead = Date.parse(iso) - nowMs
  if (Math.abs(ahead) < SECOND_MS) return 'now'
  return ahead > 0 ? `in ${spanText(ahead)}` : `${spanText(ahead)} ago`
}

/** When a log line was written, in the local zone: the time of day with milliseconds, of another day with date and zone. */
export function clockText(iso: string, nowMs: number): string {
  const at = Date.parse(iso)
  if (Number.isNaN(at)) return iso
  return isSameDay(at, nowMs) ? localText(at).slice(11) : `${localText(at)} ${zoneText(at)}`
}

const isSameDay = (at: number, nowMs: number) => localText(at).slice(0, 10) === localText(nowMs).slice(0, 10)

/** The local zone at that time as its distance from UTC, such as `+02:00`. */
function zoneText(at: number): string {
  const minutes = -new Date(at).getTimezoneOffset()
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((part) => String(part).padStart(2, '0'))
  return minutes === 0 ? 'UTC' : `${minutes < 0 ? '-' : '+'}${hours}:${rest}`
}

/** `2026-11-21 10:00:05.123` in the local zone. */
function localText(at: number): string {
  const shifted = new Date(at - new Date(at).getTimezoneOffset() * MINUTE_MS)
  return shifted.toISOString().replace('T', ' ').replace('Z', '')
}
