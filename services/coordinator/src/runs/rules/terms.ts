import type { Priority } from '@carillon/contracts'
import type { Terms } from '@carillon/store'

/** Fields of a job, or of the request for a run, that are stored together. */
interface Asked {
  readonly priority?: Priority | undefined
}

/** What a request says, else what the job has; null when that is nothing. */
export function termsOf(asked: Asked, job: Terms | null = null): Terms | null {
  if (asked.priority === undefined) return job
  const { priority: _, ...rest } = job ?? {}
  const terms: Terms = asked.priority === 'normal' ? rest : { ...rest, priority: asked.priority }
  return Object.keys(terms).length > 0 ? terms : null
}
