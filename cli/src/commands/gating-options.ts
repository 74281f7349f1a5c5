import { COALESCED_PAYLOADS, type CoalescedPayload, type Gating, type JobInput, LIMITS, OVERLAPS, type Overlap } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseDuration } from '../arguments/duration.ts'
import { parseChoice, parseText, parseWhole, wrong } from '../arguments/scalars.ts'
import { exactSpanText } from '../output/time-text.ts'

/** Options about how many runs of a job may be open, or start. */
export interface GatingOptions {
  readonly overlap?: Overlap
  readonly maxConcurrent?: number
  readonly concurrencyKey?: string
  readonly maxPerKey?: number
  readonly rate?: NonNullable<Gating['rate']>
  readonly ratePerKey?: NonNullable<Gating['rate']>
  readonly debounce?: PeriodOption
  readonly debounceMaxWait?: number
  readonly throttle?: PeriodOption
  readonly batch?: NonNullable<Gating['batch']>
}

interface PeriodOption {
  readonly periodMs: number
  readonly payload?: CoalescedPayload
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
    .option(
      '--debounce <period[:payload]>',
      'one run when no trigger came for so long, such as 5s; 5s:first: with the first payload',
      (text) => periodOf('--debounce', text),
    )
    .option('--debounce-max-wait <duration>', 'so long after the first trigger it starts in any case (default: 10 periods)', (text) =>
      checkedPeriod('--debounce-max-wait', text),
    )
    .option('--throttle <period[:payload]>', 'no further run within a period, such as 1m; 1m:last: one at its end', (text) =>
      periodOf('--throttle', text),
    )
    .option('--batch <n/period>', 'so many triggers, or those within a period, are one run: 100/2s', batchOf)
}

/** Those options by their names on the wire; options that are not given are left out. */
export function gatingOf({ rate, ratePerKey, ...options }: GatingOptions): Partial<JobInput> {
  if (rate && ratePerKey) throw wrong('--rate-per-key', rateText(ratePerKey), 'Give either --rate or --rate-per-key.')
  const { overlap, maxConcurrent, concurrencyKey, maxPerKey, debounce, debounceMaxWait, throttle, batch } = options
  if (debounceMaxWait !== undefined && !debounce)
    throw wrong('--debounce-max-wait', exactSpanText(debounceMaxWait), 'Give --debounce with it.')
  const maxWait = debounceMaxWait === undefined ? {} : { maxWaitMs: debounceMaxWait }
  return {
    ...(overlap === undefined ? {} : { overlap }),
    ...(maxConcurrent === undefined ? {} : { maxConcurrent }),
    ...(concurrencyKey === undefined ? {} : { concurrencyKey }),
    ...(maxPerKey === undefined ? {} : { maxPerKey }),
    ...((rate ?? ratePerKey) ? { rate: rate ?? ratePerKey } : {}),
    ...(debounce ? { debounce: { ...debounce, ...maxWait } } : {}),
    ...(throttle ? { throttle } : {}),
    ...(batch ? { batch } : {}),
  }
}

/** They in words; empty: there is none. */
export function gatingText({ overlap, maxConcurrent, concurrencyKey, maxPerKey, rate, debounce, throttle, batch }: Gating): string {
  const parts = [
    overlap ?? '',
    maxConcurrent === undefined ? '' : `${maxConcurrent} at once`,
    concurrencyKey === undefined ? '' : `${maxPerKey ?? 1} of each ${concurrencyKey}`,
    rate ? `${rateText(rate)}${rate.by === 'key' ? ' of each key' : ''}` : '',
    debounce ? `debounced by ${exactSpanText(debounce.periodMs)}, the ${debounce.payload} payload${maxWaitText(debounce)}` : '',
    throttle ? `throttled to one in ${exactSpanText(throttle.periodMs)}, the ${throttle.payload} payload` : '',
    batch ? `batches of ${rateText(batch)}` : '',
  ]
  return parts.filter(Boolean).join(', ')
}

const rateText = ({ count, periodMs }: { readonly count: number; readonly periodMs: number }) => `${count} in ${exactSpanText(periodMs)}`
const maxWaitText = ({ maxWaitMs }: NonNullable<Gating['debounce']>) =>
  maxWaitMs === undefined ? '' : `, after ${exactSpanText(maxWaitMs)} at the latest`

function rateOf(option: string, text: string, by: 'job' | 'key'): NonNullable<Gating['rate']> {
  return { ...countOf(option, text, { max: LIMITS.rateCount, such: '100/1m' }), by }
}

const batchOf = (text: string) => countOf('--batch', text, { max: LIMITS.batchCount, such: '100/2s' })

function countOf(option: string, text: string, { max, such }: { max: number; such: string }): { count: number; periodMs: number } {
  const [count = '', period, ...rest] = text.split('/')
  if (period === undefined || rest.length > 0) throw wrong(option, text, `Write a number and a period, such as ${such}.`)
  const periodMs = checkedPeriod(option, period)
  return { count: parseWhole(option, count, { min: 1, max }), periodMs }
}

function periodOf(option: string, text: string): PeriodOption {
  const [period = '', payload, ...rest] = text.split(':')
  if (rest.length > 0) throw wrong(option, text, 'Write a period, such as 5s, and after a colon which payload counts: 5s:first.')
  const periodMs = checkedPeriod(option, period)
  return { periodMs, ...(payload === undefined ? {} : { payload: parseChoice(option, payload, COALESCED_PAYLOADS) }) }
}

function checkedPeriod(option: string, text: string): number {
  const periodMs = parseDuration(option, text)
  if (periodMs < 100 || periodMs > LIMITS.ratePeriodMaxMs) throw wrong(option, text, 'Use a period from 100ms to 31d.')
  return periodMs
}
