import { type Backoff, CarillonError, printable } from '@carillon/contracts'
import { parseDuration } from './duration.ts'

/**
 * `fixed:1s`, `exponential:1s`, or `exponential:1s:3:10m` with its factor (default 2) and its longest wait (default 5 min).
 * @throws CarillonError INVALID_REQUEST, or INVALID_DELAY for one of its durations
 */
export function parseBackoff(option: string, text: string): Backoff {
  const [type, delay, factor, longest, ...surplus] = text.split(':')
  if (delay !== undefined && surplus.length === 0) {
    if (type === 'fixed' && factor === undefined) return { type, delayMs: parseDuration(option, delay) }
    if (type === 'exponential') return exponential(option, { text, delay, factor: factor ?? '2', longest: longest ?? '5m' })
  }
  throw wrong(option, text)
}

function exponential(option: string, given: { text: string; delay: string; factor: string; longest: string }): Backoff {
  const factor = given.factor.trim() === '' ? Number.NaN : Number(given.factor)
  if (!(factor >= 1 && factor <= 100)) throw wrong(option, given.text)
  const delayMs = parseDuration(option, given.delay)
  return { type: 'exponential', delayMs, factor, maxMs: Math.max(delayMs, parseDuration(option, given.longest)) }
}

function wrong(option: string, text: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${option} is wrong: ${printable(text)}`, {
    field: option,
    value: printable(text),
    hint: 'Use fixed:1s, exponential:1s, or exponential:1s:2:5m with factor and longest wait.',
  })
}
