import type { JobView } from '@carillon/contracts'

export const JOB_STATES = ['active', 'paused', 'finished'] as const
export type JobStateFilter = (typeof JOB_STATES)[number]

export interface JobFilter {
  /** Part of the name, the handler or the description. */
  readonly text: string
  readonly state?: JobStateFilter | undefined
}

/** Jobs that a filter accepts. */
export function filteredJobs<Job extends Pick<JobView, 'name' | 'handler' | 'description' | 'state'>>(
  jobs: readonly Job[],
  { text, state }: JobFilter,
): Job[] {
  const wanted = text.trim().toLowerCase()
  return jobs.filter(
    (job) =>
      (state === undefined || job.state === state) &&
      (wanted === '' || [job.name, job.handler, job.description ?? ''].some((part) => part.toLowerCase().includes(wanted))),
  )
}

/** What a bulk action would change, and what it would not. */
export function eligible<Job extends Pick<JobView, 'name' | 'state'>>(
  jobs: readonly Job[],
  selected: ReadonlySet<string>,
  action: 'pause' | 'resume',
): { readonly names: readonly string[]; readonly others: number } {
  const chosen = jobs.filter(({ name }) => selected.has(name))
  const names = chosen.filter(({ state }) => (action === 'pause' ? state === 'active' : state === 'paused')).map(({ name }) => name)
  return { names, others: chosen.length - names.length }
}
