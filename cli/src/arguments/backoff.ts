import { type Backoff, CarillonError, printable } from '@carillon/contracts'
import { parseDuration } from './duration.ts'
import { wrong } from './scalars.ts'

const HINT =
  "Use fixed:1s, exponential:1s (or exponential:1s:2:5m with factor and longest wait), list:1s,5s,1m, random:1s:10s, or cron:'0 * * * *' (cron:'0 9 * * *:Europe/Paris' with a zone)."

/**
 * `fixed:1s`, `exponential:1s`, or `exponential:1s:3:10m` with its factor (default 2) and its longest wait (default 5 min), `list:1s,5s,1m`, `random:1s:10s`,
 * `cron:0 9 * * *`, or `cron:0 9 * * *:Europe/Paris` with its zone.
 * @throws CarillonError INVALID_REQUEST, or INVALID_DELAY for one of its durations
 */
export function parseBackoff(option: string, text: string): Backoff {
  const [type, first = '', second, third, ...surplus] = text.split(':')
  if (first.trim() === '' || surplus.length > 0) throw wrong(option, text, HINT)
  if (type === 'exponential') return exponential(option, { text, delay: first, factor: second ?? '2', longest: third ?? '5m' })
  if (third !== undefined) throw wrong(option, text, HINT)
  if (type === 'cron') return { type, cron: first, timezone: second ?? 'UTC' }
  if (type === 'random' && second !== undefined) return { type, minMs: parseDuration(option, first), maxMs: parseDuration(option, second) }
  if (type === 'fixed' && second === undefined) return { type, delayMs: parseDuration(option, first) }
  if (type === 'list' && second === undefined) return { type, delaysMs: first.split(',').map((delay) => parseDuration(option, delay)) }
  throw wrong(option, text, HINT)
}

function exponential(option: string, given: { text: string; delay: string; factor: string; longest: string }): Backoff {
  const factor = given.factor.trim() === '' ? Number.NaN : Number(given.factor)
  if (!(factor >= 1 && factor <= 100)) throw wrong(option, given.text, HINT)
  const delayMs = parseDuration(option, given.delay)
  return { type: 'exponential', delayMs, factor, maxMs: Math.max(delayMs, parseDuration(option, given.longest)) }
}

/** A share: `20%`, or a number from 0 to 1. @throws CarillonError INVALID_REQUEST */
export function parseShare(option: string, text: string): number {
  const [, digits, percent] = /^(\d+(?:\.\d+)?)(%)?$/.exec(text.trim()) ?? []
  const share = Number(digits) / (percent ? 100 : 1)
  if (share >= 0 && share <= 1) return share
  throw wrong(option, text, 'Use a share from 0% to 100%: with 20% each wait is shorter by up to a fifth.')
}

/** @throws CarillonError INVALID_REQUEST when the backoff has no waits that could be shorter */
export function withJitter(
  backoff: Backoff | undefined,
  { option, jitter }: { option: string; jitter: number | undefined },
): Backoff | undefined {
  if (jitter === undefined) return backoff
  if (backoff !== undefined && backoff.type !== 'cron' && backoff.type !== 'random') return { ...backoff, jitter }
  throw new CarillonError('INVALID_REQUEST', `${option} goes with --backoff fixed, exponential or list`, {
    field: option,
    value: printable(jitter),
    hint:
      backoff === undefined
        ? 'Give --backoff, or leave it out.'
        : `Leave it out: a backoff of type ${backoff.type} has no waits that could be shorter.`,
  })
}
