import { CarillonError, type ParentJob, subjects } from '@carillon/contracts'
import { type Clock, derivedId, mayPass, type RejectedMessages } from '@carillon/runtime'
import type { JobRecord, RunHead } from '@carillon/store'
import { jobId } from '../jobs/rules/job.ts'
import type { Jobs, Starts } from '../ports.ts'
import { chainOf } from '../runs/rules/causes.ts'
import type { StartItem } from '../runs/rules/start-item.ts'
import type { EndedRun } from '../runs/rules/views.ts'
import type { Children, DeadLetters } from '../trigger-ports.ts'
import { callbackOf, payloadOfCallback } from './rules/callbacks.ts'
import { firesAfter, payloadOfChild } from './rules/parents.ts'
import type { TriggeredJob, TriggeredJobs } from './triggered-jobs.ts'

export interface StartChildrenOptions {
  readonly triggered: TriggeredJobs
  readonly jobs: Jobs
  readonly start: Starts
  readonly letters: DeadLetters
  readonly rejected: RejectedMessages
  readonly clock: Clock
}

/**
 * Fires the jobs that follow a job when a run of that ends, and the callback of a retry when that ends, whose dead letter is kept before that. The id of a child follows from its job and from the run and
 * attempt of its parent, that of a callback from the retry and its outcome, so a repetition, after a crash or by another coordinator, starts nothing twice; and an end is
 * repeated until its children are stored.
 */
export class StartChildren implements Children {
  readonly #triggered: TriggeredJobs
  readonly #jobs: Jobs
  readonly #start: Starts
  readonly #letters: DeadLetters
  readonly #rejected: RejectedMessages
  readonly #clock: Clock

  constructor(options: StartChildrenOptions) {
    this.#triggered = options.triggered
    this.#jobs = options.jobs
    this.#start = options.start
    this.#letters = options.letters
    this.#rejected = options.rejected
    this.#clock = options.clock
  }

  /** Whether any of these ended runs may have children. */
  concerns(runs: readonly RunHead[]): boolean {
    return runs.some(
      (run) => run.terms?.retry !== undefined || (run.job !== null && this.#triggered.mayHaveFollowers(jobId(run.namespace, run.job))),
    )
  }

  /** @throws a transient error: the ends are repeated */
  async start(runs: readonly EndedRun[]): Promise<void> {
    const retries = runs.filter((run) => this.#letters.concerns(run))
    if (retries.length > 0) await this.#letters.follow(retries)
    const pairs: { readonly run: EndedRun; readonly follower: TriggeredJob }[] = []
    for (const run of runs) for (const follower of await this.#followersOf(run)) pairs.push({ run, follower })
    const jobs = pairs.length === 0 ? [] : await this.#jobs.find(pairs.map(({ follower }) => follower))
    const children = [
      ...pairs.map(({ run, follower }, i) => ({ run, name: follower.name, item: childOf(run, follower, jobs[i]) })),
      ...runs.flatMap(callbacksOf),
    ]
    if (children.length === 0) return
    const outcomes = await this.#start.execute(children.map(({ item }) => item))
    for (const outcome of outcomes) if (CarillonError.is(outcome) && mayPass(outcome)) throw outcome
    for (const [i, outcome] of outcomes.entries()) if (CarillonError.is(outcome)) this.#reject(children[i] as Child, outcome)
  }

  async #followersOf({ namespace, job: parent, state }: EndedRun): Promise<readonly TriggeredJob[]> {
    if (parent === null) return []
    const followers = await this.#triggered.followers(jobId(namespace, parent))
    const fires = ({ job, when }: ParentJob) => job === parent && firesAfter(when, state)
    return followers.filter((follower) => follower.state !== 'paused' && follower.afterJobs.some(fires))
  }

  #reject({ run, name }: Child, error: CarillonError): void {
    const subject = subjects.trigger(run.namespace, name)
    this.#rejected.reject({ subject, text: JSON.stringify({ parent: run.id }), error, stream: 'TRIGGERS', now: this.#clock.now() })
  }
}

/** A run that starts because another one has ended. */
interface Child {
  readonly run: EndedRun
  /** Its job, or its handler. */
  readonly name: string
  readonly item: StartItem
}

/** The attempt is no part of the id: a retry that is run again by hand, and ends as before, has called back already. */
function callbacksOf(run: EndedRun): Child[] {
  const found = callbackOf(run)
  if (found === undefined) return []
  const { outcome, callback } = found
  const item: StartItem = {
    namespace: run.namespace,
    request: { ...callback, payload: payloadOfCallback(outcome, run) },
    bytes: run.result?.length ?? 0,
    trigger: 'job',
    traceparent: run.traceparent ?? undefined,
    id: derivedId('b', run.namespace, run.id, outcome),
    cause: { parent: run.id, chain: chainOf(run) },
  }
  return [{ run, name: callback.job, item }]
}

function childOf(run: EndedRun, { namespace, name }: TriggeredJob, job: JobRecord | undefined): StartItem {
  return {
    namespace,
    request: { job: name, payload: payloadOfChild(JSON.parse(job?.payload ?? 'null'), run) },
    bytes: run.result?.length ?? 0,
    trigger: 'job',
    traceparent: run.traceparent ?? undefined,
    id: derivedId('c', namespace, name, run.id, run.attempt),
    cause: { parent: run.id, chain: chainOf(run) },
  }
}
