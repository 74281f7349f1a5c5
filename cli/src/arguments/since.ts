import { CarillonError, printable } from '@carillon/contracts'
import { now } from '../clock.ts'
import { parseDuration } from './duration.ts'
import { timeOf } from './scalars.ts'

/**
 * A time in the past as a person writes it: how long ago, such as `2h`, or when, such as `2030-01-31T09:00:00Z`.
 * @returns that time as the wire writes it
 * @throws CarillonError INVALID_DATE that names the option and the value
 */
export function parseSince(option: string, text: string): string {
  const instant = timeOf(text)
  if (instant !== undefined) return instant
  try {
    return new Date(now() - parseDuration(option, text)).toISOString()
  } catch (error) {
    throw new CarillonError('INVALID_DATE', `${option} is wrong: ${printable(text)}`, {
      field: option,
      value: printable(text),
      hint: 'Use a duration such as 30m, 1h or 2d, or a time with its zone such as 2030-01-31T09:00:00Z.',
      cause: error,
    })
  }
}
