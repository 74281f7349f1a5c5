import { type Gating, type JobInput, LIMITS, OVERLAPS, type Overlap } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseDuration } from '../arguments/duration.ts'
import { parseChoice, parseText, parseWhole, wrong } from '../arguments/scalars.ts'
import { spanText } from '../output/time-text.ts'

/** Options about how many runs of a job may be open, or start. */
export interface GatingOptions {
  readonly overlap?: Overlap
  readonly maxConcurrent?: number
  readonly concurrencyKey?: string
  readonly maxPerKey?: number
  readonly rate?: NonNullable<Gating['rate']>
  readonly ratePerKey?: NonNullable<Gating['rate']>
}

/** Adds them. */
export function addGatingOptions(command: Command): Command {
  const places = (option: string) => (text: string) => parseWhole(option, text, { min: 1, max: LIMITS.gateHolders })
  return command
    .option('--overlap <policy>', `while an earlier run is open: ${OVERLAPS.join(', ')}`, (text) =>
      parseChoice('--overlap', text, OVERLAPS),
    )
    .option('--max-concurrent <n>', 'runs that may be open at once; further ones wait', places('--max-concurrent'))
    .option('--concurrency-key <expression>', 'runs of which share --max-per-key places, such as payload.tenant', (text) =>
      parseText('--concurrency-key', text, 'Write an expression, such as payload.tenant.'),
    )
    .option('--max-per-key <n>', 'runs of one key that may be open at once (default: 1)', places('--max-per-key'))
    .option('--rate <n/period>', 'runs that may start within a period, such as 100/1m', (text) => rateOf('--rate', text, 'job'))
    .option('--rate-per-key <n/period>', 'the same for each key', (text) => rateOf('--rate-per-key', text, 'key'))
}

/** Those options by their names on the wire; options that are not given are left out. */
export function gatingOf({ rate, ratePerKey, ...options }: GatingOptions): Partial<JobInput> {
  if (rate && ratePerKey) throw wrong('--rate-per-key', rateText(ratePerKey), 'Give either --rate or --rate-per-key.')
  const { overlap, maxConcurrent, concurrencyKey, maxPerKey } = options
  return {
    ...(overlap === undefined ? {} : { overlap }),
    ...(maxConcurrent === undefined ? {} : { maxConcurrent }),
    ...(concurrencyKey === undefined ? {} : { concurrencyKey }),
    ...(maxPerKey === undefined ? {} : { maxPerKey }),
    ...((rate ?? ratePerKey) ? { rate: rate ?? ratePerKey } : {}),
  }
}

/** They in words; empty: there is none. */
export function gatingText({ overlap, maxConcurrent, concurrencyKey, maxPerKey, rate }: Gating): string {
  const parts = [
    overlap ?? '',
    maxConcurrent === undefined ? '' : `${maxConcurrent} at once`,
    concurrencyKey === undefined ? '' : `${maxPerKey ?? 1} of each ${concurrencyKey}`,
    rate ? `${rateText(rate)}${rate.by === 'key' ? ' of each key' : ''}` : '',
  ]
  return parts.filter(Boolean).join(', ')
}

const rateText = ({ count, periodMs }: NonNullable<Gating['rate']>) => `${count} in ${spanText(periodMs)}`

function rateOf(option: string, text: string, by: 'job' | 'key'): NonNullable<Gating['rate']> {
  const [count = '', period, ...rest] = text.split('/')
  if (period === undefined || rest.length > 0) throw wrong(option, text, 'Write a number and a period, such as 100/1m.')
  const periodMs = parseDuration(option, period)
  if (periodMs < 100 || periodMs > LIMITS.ratePeriodMaxMs) throw wrong(option, text, 'Use a period from 100ms to 31d.')
  return { count: parseWhole(option, count, { min: 1, max: LIMITS.rateCount }), periodMs, by }
}
