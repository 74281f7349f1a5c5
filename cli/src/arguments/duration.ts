import { CarillonError, LIMITS, printable } from '@carillon/contracts'

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/
const HORIZON_MS = LIMITS.horizonYears * 366 * UNIT_MS.d

/**
 * A duration as a person writes it, in whole milliseconds: `500ms`, `5s`, `10m`, `2h`, `60d`; a plain number is milliseconds.
 * @param option its name on the command line, such as `--delay`
 * @throws CarillonError INVALID_DELAY that names the option and the value
 */
export function parseDuration(option: string, text: string): number {
  const [, number = '', unit = 'ms'] = DURATION.exec(text.trim()) ?? []
  const ms = number === '' ? Number.NaN : Number(number) * UNIT_MS[unit as keyof typeof UNIT_MS]
  if (Number.isSafeInteger(ms) && ms <= HORIZON_MS) return ms
  throw new CarillonError('INVALID_DELAY', `${option} is wrong: ${printable(text)}`, {
    field: option,
    value: printable(text),
    hint: `Use a number with its unit, such as 500ms, 5s, 10m, 2h or 60d, up to ${LIMITS.horizonYears} years.`,
  })
}
