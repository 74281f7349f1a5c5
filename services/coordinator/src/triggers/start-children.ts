import { CarillonError } from '@carillon/contracts'
import { type Clock, derivedId, mayPass, type RejectedMessages } from '@carillon/runtime'
import type { RunHead } from '@carillon/store'
import { jobId } from '../jobs/rules/job.ts'
import type { Children, Jobs, Starts } from '../ports.ts'
import type { EndedRun } from '../runs/rules/views.ts'
import { chainOf, firesAfter, payloadOfChild } from './rules/parents.ts'
import type { TriggeredJobs } from './triggered-jobs.ts'

export interface StartChildrenOptions {
  readonly triggered: TriggeredJobs
  readonly jobs: Jobs
  readonly start: Starts
  readonly rejected: RejectedMessages
  readonly clock: Clock
}

/**
 * Fires the jobs that follow a job when a run of that ends. The id of a child follows from its job and from the run and attempt of its parent, so a
 * repetition, after a crash or by another coordinator, starts nothing twice; and an end is repeated until its children are stored.
 */
export class StartChildren implements Children {
  readonly #triggered: TriggeredJobs
  readonly #jobs: Jobs
  readonly #start: Starts
  readonly #rejected: RejectedMessages
  readonly #clock: Clock

  constructor(options: StartChildrenOptions) {
    this.#triggered = options.triggered
    this.#jobs = options.jobs
    this.#start = options.start
    this.#rejected = options.rejected
    this.#clock = options.clock
  }

  /** Whether any of these ended runs may have children. */
  concerns(runs: readonly RunHead[]): boolean {
    return runs.some(({ namespace, job }) => job !== null && this.#triggered.mayHaveFollowers(jobId(namespace, job)))
  }

  /** @throws a transient error: the ends are repeated */
  async start(runs: readonly EndedRun[]): Promise<void> {
    for (const run of runs) if (run.job !== null) await this.#startOf(run, run.job)
  }

  async #startOf(run: EndedRun, parent: string): Promise<void> {
    const followers = (await this.#triggered.followers(jobId(run.namespace, parent))).filter(
      ({ state, afterJobs }) => state !== 'paused' && afterJobs.some(({ job, when }) => job === parent && firesAfter(when, run.state)),
    )
    if (followers.length === 0) return
    const jobs = await this.#jobs.find(followers)
    const items = followers.map(({ namespace, name }, i) => {
      const request = { job: name, payload: payloadOfChild(JSON.parse(jobs[i]?.payload ?? 'null'), run) }
      const cause = { parent: run.id, chain: chainOf(run) }
      const id = derivedId('c', namespace, name, run.id, run.attempt)
      return {
        namespace,
        request,
        bytes: run.result?.length ?? 0,
        trigger: 'job' as const,
        traceparent: run.traceparent ?? undefined,
        id,
        cause,
      }
    })
    for (const [i, outcome] of (await this.#start.execute(items)).entries()) {
      if (!CarillonError.is(outcome)) continue
      if (mayPass(outcome)) throw outcome
      const subject = `carillon.${run.namespace}.trigger.${followers[i]?.name}`
      this.#rejected.reject({
        subject,
        text: JSON.stringify({ parent: run.id }),
        error: outcome,
        stream: 'TRIGGERS',
        now: this.#clock.now(),
      })
    }
  }
}
