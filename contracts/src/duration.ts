import { LIMITS } from './limits.ts'

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000]
/** The longest time that anything can be put off by. */
export const HORIZON_MS = LIMITS.horizonYears * 366 * DAY

const NUMBER = String.raw`(\d+(?:\.\d+)?)`
/** Each unit once, the largest first. */
const DURATION = new RegExp(`^(?:${NUMBER}d)?(?:${NUMBER}h)?(?:${NUMBER}m)?(?:${NUMBER}s)?(?:${NUMBER}(?:ms)?)?$`)
const UNITS_MS = [DAY, HOUR, MINUTE, SECOND, 1]
/** A sum of doubles that is meant as a whole number may miss it by this, in ms. */
const ROUNDING_MS = 0.001

/**
 * A duration as a person writes it, in whole milliseconds: `500ms`, `5s`, `10m`, `1h30m`, `60d`; a plain number is milliseconds.
 * @returns undefined for what is none, or is longer than ten years
 */
export function parseDuration(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined
  const parts = DURATION.exec(text.trim())
  if (!parts || parts[0] === '' || !isClear(parts)) return undefined
  const ms = UNITS_MS.reduce((sum, unitMs, i) => sum + Number(parts[i + 1] ?? 0) * unitMs, 0)
  const whole = Math.round(ms)
  return Math.abs(ms - whole) < ROUNDING_MS && whole <= HORIZON_MS ? whole : undefined
}

/** A number without a unit stands alone: behind one it may be meant as anything, as in `5s5`. */
const isClear = (parts: RegExpExecArray) => parts[5] === undefined || parts[0].endsWith('ms') || parts[5] === parts[0]
