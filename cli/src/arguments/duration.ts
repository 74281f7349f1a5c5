import { CarillonError, parseDuration as durationOf, LIMITS, printable } from '@carillon/contracts'

/**
 * A duration as a person writes it, in whole milliseconds: `500ms`, `5s`, `10m`, `1h30m`, `60d`; a plain number is milliseconds.
 * @param option its name on the command line, such as `--delay`
 * @throws CarillonError INVALID_DELAY that names the option and the value
 */
export function parseDuration(option: string, text: string): number {
  const ms = durationOf(text)
  if (ms !== undefined) return ms
  throw new CarillonError('INVALID_DELAY', `${option} is wrong: ${printable(text)}`, {
    field: option,
    value: printable(text),
    hint: `Use a number with its unit, such as 500ms, 5s, 10m, 1h30m or 60d, up to ${LIMITS.horizonYears} years.`,
  })
}
