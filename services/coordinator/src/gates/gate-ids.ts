import type { BackfillJob, Gating } from '@carillon/contracts'
import { derivedId } from '@carillon/runtime'
import type { JobRecord } from '@carillon/store'
import { backfillPrefix, scopeOf } from './rules/gating.ts'

/** The gate of a job, or of one key: a changed expression has other gates. */
export function gateId({ namespace, name }: Pick<JobRecord, 'namespace' | 'name'>, gating: Gating, key: string): string {
  if (scopeOf(gating) === 'job') return jobGateId({ namespace, name })
  return derivedId('gk', namespace, name, gating.concurrencyKey ?? '', key)
}

/** The gate of past slots that are fired on purpose: its id says how many runs may be open at once. */
export const backfillGateId = ({ namespace, name }: Pick<JobRecord, 'namespace' | 'name'>, { from, to, concurrency }: BackfillJob) =>
  derivedId(`${backfillPrefix(concurrency)}`, namespace, name, from, to)

/** The gate of slots whose job says nothing about overlap. */
export const slotsGateId = ({ namespace, name }: Pick<JobRecord, 'namespace' | 'name'>) => derivedId('gs', namespace, name)

export const jobGateId = ({ namespace, name }: Pick<JobRecord, 'namespace' | 'name'>) => derivedId('gj', namespace, name)
