import { CarillonError, HORIZON_MS, parseDuration, parseInstant, printable } from '@carillon/contracts'

/**
 * A time, or how long from now, as a person gives it: a Date or RFC 3339 text with a zone (`2030-01-31T09:00:00Z`), or milliseconds or a duration as
 * text (`10m`, `1h30m`, `2d`), up to ten years.
 */
export type TimeOrDuration = number | Date | string

/** `at` in ms since 1970. */
export type Moment = { readonly at: number } | { readonly forMs: number }

/** @throws CarillonError INVALID_DELAY with the field and what would be right */
export function momentOf(field: string, value: TimeOrDuration, about = ''): Moment {
  if (typeof value === 'number' && Math.abs(value) <= HORIZON_MS) return { forMs: Math.max(0, Math.ceil(value)) }
  if (value instanceof Date && !Number.isNaN(value.getTime())) return { at: value.getTime() }
  const at = parseInstant(value)
  if (at !== undefined) return { at }
  const forMs = parseDuration(value)
  if (forMs !== undefined) return { forMs }
  throw wrongMoment(field, value, about)
}

export function wrongMoment(field: string, given: TimeOrDuration, about = ''): CarillonError {
  const value = given instanceof Date ? String(given) : printable(given)
  const hint =
    "Use milliseconds from now, a duration such as '10m' or '1h30m', up to ten years, a Date, or a time such as '2030-01-31T09:00:00Z'."
  return new CarillonError('INVALID_DELAY', `${field} is wrong: ${value}${about}`, { field, value, hint })
}
