import { parseDuration } from '@carillon/contracts'

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const

/** Milliseconds as a person writes them: `1h30m`. The same text is read again as the same duration. */
export function durationText(ms: number): string {
  if (!Number.isSafeInteger(ms) || ms < 0) return String(ms)
  let left = ms
  const parts = UNITS.flatMap(([unit, unitMs]) => {
    const count = Math.floor(left / unitMs)
    left -= count * unitMs
    return count > 0 ? [`${count}${unit}`] : []
  })
  return parts.length === 0 ? '0s' : parts.join('')
}

/** What a person typed, in ms; undefined: it is no duration. */
export const typedDuration = (text: string): number | undefined => parseDuration(text)
