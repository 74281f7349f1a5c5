import type { ParentJob } from '@carillon/contracts'
import type { Parents } from '../ports.ts'
import { refuseCycle } from './rules/parents.ts'
import type { TriggeredJobs } from './triggered-jobs.ts'

/** Checks the parents of a job that is put. */
export class CheckParents implements Parents {
  readonly #triggered: TriggeredJobs

  constructor(triggered: TriggeredJobs) {
    this.#triggered = triggered
  }

  /** @throws CarillonError INVALID_REQUEST of a job that would start itself */
  async check(namespace: string, job: { readonly name: string; readonly afterJobs?: readonly ParentJob[] | undefined }): Promise<void> {
    if (!job.afterJobs) return
    // Another coordinator may have put a job just now, whose signal is under way.
    this.#triggered.changed()
    const others = (await this.#triggered.all()).filter((other) => other.namespace === namespace)
    const parents = new Map(others.map(({ name, afterJobs }) => [name, afterJobs.map((parent) => parent.job)]))
    refuseCycle(
      job.name,
      job.afterJobs.map((parent) => parent.job),
      (name) => parents.get(name) ?? [],
    )
  }
}
