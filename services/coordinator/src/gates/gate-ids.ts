import type { BackfillJob, Gating } from '@carillon/contracts'
import { derivedId } from '@carillon/runtime'
import type { JobRecord, RunHead } from '@carillon/store'
import { COALESCING_PREFIX } from './rules/coalescing.ts'
import { backfillPrefix, scopeOf } from './rules/gating.ts'
import type { RuledJob } from './rules/requested-rules.ts'

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

/** The gate at which runs of a job, or of one key of it, wait for further triggers: whatever rule the job has for them. */
export const coalescingGateId = ({ namespace, name }: Pick<JobRecord, 'namespace' | 'name'>, gating: Gating, key: string) =>
  derivedId(COALESCING_PREFIX, namespace, name, gating.concurrencyKey ?? '', key)

/** The gate of its job's limits, at which a run waits that has passed the other one; null: there are none. */
export function gateBehind(job: RuledJob | undefined, key: string): string | null {
  if (!job || job.gating === null || scopeOf(job.gating) === 'none') return null
  return gateId(job, job.gating, key)
}

/** The run of a batch: it follows from its gate and its first member. */
export const batchRunId = (gate: string, { id, gateOrder }: Pick<RunHead, 'id' | 'gateOrder'>) => derivedId('b', gate, id, gateOrder ?? 0)
