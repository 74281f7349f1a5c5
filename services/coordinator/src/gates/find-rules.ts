import type { JobRecord } from '@carillon/store'
import type { Jobs } from '../ports.ts'
import { type RuledJob, rulesIn } from './rules/requested-rules.ts'

/** The rules by these names: of jobs as they are stored now, or those that requests gave. */
export async function findRules(
  jobs: Pick<Jobs, 'find'>,
  places: readonly { readonly namespace: string; readonly name: string }[],
): Promise<(JobRecord | RuledJob | undefined)[]> {
  const requested = places.map(({ namespace, name }) => rulesIn(namespace, name))
  const stored = await jobs.find(places.map(({ namespace, name }, i) => ({ namespace, name: requested[i] ? undefined : name })))
  return places.map((_, i) => requested[i] ?? stored[i])
}
