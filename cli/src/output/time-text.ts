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

/** A span with one decimal below a minute: how long something took. */
export function tookText(ms: number): string {
  return ms >= SECOND_MS && ms < MINUTE_MS ? `${(ms / SECOND_MS).toFixed(1)} s` : spanText(ms)
}

/** A time of the wire for people: relative and, in the local zone, absolute: `in 4 s (10:00:05)`, `2 d ago (2026-11-19 10:00)`. */
export function timeText(iso: string | undefined, nowMs: number): string {
  if (iso === undefined) return ''
  const at = Date.parse(iso)
  const ahead = at - nowMs
  const relative = Math.abs(ahead) < SECOND_MS ? 'now' : ahead > 0 ? `in ${spanText(ahead)}` : `${spanText(ahead)} ago`
  return `${relative} (${absoluteText(at, nowMs)})`
}

function absoluteText(at: number, nowMs: number): string {
  const local = localText(at)
  return Math.abs(at - nowMs) < DAY_MS ? local.slice(11, 19) : local.slice(0, 16)
}

/** The local time of day of a log line, with milliseconds. */
export const clockText = (iso: string): string => (Number.isNaN(Date.parse(iso)) ? iso : localText(Date.parse(iso)).slice(11))

/** `2026-11-21 10:00:05.123` in the local zone. */
function localText(at: number): string {
  const shifted = new Date(at - new Date(at).getTimezoneOffset() * MINUTE_MS)
  return shifted.toISOString().replace('T', ' ').replace('Z', '')
}
