import { CarillonError, type Gating, LIMITS, type Overlap, type Rate } from '@carillon/contracts'
import type { JobRecord, RunHead } from '@carillon/store'

/** What a gate lets through. */
export interface GateLimits {
  /** `queue`: what has no place waits, however many do. `slots`: one waits, and others are skipped. */
  readonly overlap: Exclude<Overlap, 'parallel'> | 'queue' | 'slots'
  /** Runs that may be open at once. */
  readonly max: number
  /** The same for each key, where the gate has runs of several. */
  readonly maxPerKey: number
  readonly rate: Rate | undefined
}

/** Where all limits of a run are decided: at a gate of its job, at one of its key, or at none. */
export type GateScope = 'job' | 'key' | 'none'

/** The limits of a job that concern all its runs need one gate for the job; limits by key alone one for each key. */
export function scopeOf(gating: Gating | null): GateScope {
  if (gating === null) return 'none'
  const { overlap, maxConcurrent, concurrencyKey, rate } = gating
  if (maxConcurrent !== undefined || rate?.by === 'job') return 'job'
  if (concurrencyKey !== undefined) return 'key'
  return overlap === undefined || overlap === 'parallel' ? 'none' : 'job'
}

const isSlotsGate = (id: string) => id.startsWith('gs')

/** Whether a run has to pass its gate to be started: of slots whose job says nothing only those that came too early do. */
export const isGated = ({ gate }: Pick<RunHead, 'gate'>): boolean => gate !== null && !isSlotsGate(gate)

/** Whether the slots of a job wait for each other, one at most. Who wants missed slots made up one by one wants each of them. */
export const oneSlotWaits = ({ gating, misfire }: Pick<JobRecord, 'gating' | 'misfire'>) =>
  gating?.overlap === undefined && misfire !== 'all'

const BACKFILL = /^gb(\d+)x/
export const backfillPrefix = (concurrency: number) => `gb${concurrency}x`

/** Past slots that are fired on purpose, and slots whose job says nothing, have gates of their own. */
export const isApart = (gate: string | null): boolean => gate !== null && (isSlotsGate(gate) || BACKFILL.test(gate))

/** The limits of a gate; undefined where its job does not limit such runs any more: then all of them start. */
export function limitsOf(id: string, job: Pick<JobRecord, 'gating'> | undefined): GateLimits | undefined {
  if (isSlotsGate(id)) return { overlap: 'slots', max: 1, maxPerKey: 1, rate: undefined }
  const max = Number(BACKFILL.exec(id)?.[1])
  if (max > 0) return { overlap: 'queue', max, maxPerKey: max, rate: undefined }
  const gating = job?.gating ?? null
  const scope = scopeOf(gating)
  if (gating === null || scope === 'none' || (scope === 'job') !== id.startsWith('gj')) return undefined
  const { overlap, maxConcurrent, concurrencyKey, maxPerKey = 1, rate } = gating
  const isQueue = overlap === undefined || overlap === 'parallel'
  const all = maxConcurrent ?? (isQueue ? LIMITS.gateHolders : 1)
  const keyed = concurrencyKey === undefined ? LIMITS.gateHolders : maxPerKey
  return {
    overlap: isQueue ? 'queue' : overlap,
    max: scope === 'key' ? maxPerKey : all,
    maxPerKey: scope === 'key' ? maxPerKey : keyed,
    rate,
  }
}

type Definition = Gating & { readonly hashKey?: string | undefined }

/** The rules of a job, null if it has none. @throws CarillonError INVALID_REQUEST of rules that contradict each other */
export function gatingOf(given: Definition): Gating | null {
  const { overlap, maxConcurrent, concurrencyKey, maxPerKey, rate, debounce, throttle, batch } = given
  const isQueue = overlap === undefined || overlap === 'parallel'
  if (concurrencyKey === undefined && maxPerKey !== undefined)
    throw contradiction('maxPerKey', maxPerKey, 'Give a concurrencyKey with it, or use maxConcurrent.')
  if (concurrencyKey === undefined && rate?.by === 'key')
    throw contradiction('rate.by', rate.by, 'Give a concurrencyKey with it, or leave by out.')
  if (overlap === 'parallel' && (maxConcurrent !== undefined || concurrencyKey !== undefined))
    throw contradiction('overlap', overlap, 'Leave overlap out: with a limit further runs wait for their turn.')
  if (overlap === 'recover' && (maxConcurrent ?? maxPerKey ?? 1) > 1)
    throw contradiction('overlap', overlap, 'The run that is recovered is the only one: leave maxConcurrent and maxPerKey out.')
  if (concurrencyKey !== undefined && scopeOf(given) === 'job') {
    if (!isQueue)
      throw contradiction(
        'overlap',
        overlap,
        'With limits for all runs of the job beside those of keys, runs wait for their turn: leave it out.',
      )
    if (rate?.by === 'key') throw contradiction('rate.by', rate.by, 'Leave maxConcurrent out, or count all runs of the job.')
  }
  checkCoalescing(given)
  const limits = { overlap, maxConcurrent, concurrencyKey, maxPerKey, rate }
  const rules = Object.entries({ ...limits, debounce, throttle, batch }).filter(([, value]) => value !== undefined)
  return rules.length === 0 ? null : (Object.fromEntries(rules) as Gating)
}

/** @throws CarillonError INVALID_REQUEST */
function checkCoalescing({ overlap, debounce, throttle, batch, hashKey }: Definition): void {
  const rules = { debounce, throttle, batch }
  const [rule, other] = (['debounce', 'throttle', 'batch'] as const).filter((name) => rules[name] !== undefined)
  if (rule === undefined) return
  if (other !== undefined)
    throw contradiction(
      other,
      JSON.stringify(rules[other]),
      `A job has one of debounce, throttle and batch: leave ${other} or ${rule} out.`,
    )
  if (overlap === 'discard' || overlap === 'replace' || overlap === 'recover')
    throw contradiction(
      'overlap',
      overlap,
      `The run that starts for several triggers must not be dropped: with ${rule} use serial, or leave it out.`,
    )
  if (batch && hashKey !== undefined)
    throw contradiction(
      'hashKey',
      hashKey,
      'The payload of a batch is a list, that of a trigger is not: leave hashKey out, its runs are mapped by their job.',
    )
  if (debounce?.maxWaitMs !== undefined && debounce.maxWaitMs < debounce.periodMs)
    throw new CarillonError('INVALID_DELAY', 'debounce.maxWaitMs is shorter than the period', {
      field: 'debounce.maxWaitMs',
      value: String(debounce.maxWaitMs),
      hint: `Use ${debounce.periodMs} ms or more, or leave it out.`,
    })
}

function contradiction(field: string, value: unknown, hint: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${field} does not go with the other rules`, {
    field,
    value: String(value),
    hint,
  })
}
