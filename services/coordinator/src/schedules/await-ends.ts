import { isEnded } from '@carillon/contracts'
import type { Clock, Logger } from '@carillon/runtime'
import type { JobMove, JobRecord, RunHead, Store } from '@carillon/store'
import { jobId } from '../jobs/rules/job.ts'
import type { FailingJobs, Jobs, RunEnds, Timers } from '../ports.ts'
import { NO_SLOT, slotAfterEnd, timesAwaiting, timesOf } from './rules/schedule.ts'

/** A job whose next slot is counted from the end of a run. */
type AwaitingJob = JobRecord & { readonly awaits: string }
export const isAwaiting = <Job extends JobRecord>(job: Job): job is Job & AwaitingJob => job.awaits !== null && job.state === 'active'

/**
 * Moves the jobs of fixed delays. Level-triggered: whether the awaited run has ended is read from the store, at its end, and every 10 s in case the
 * coordinator that applied the end stopped before it moved the job.
 */
export class AwaitEnds implements RunEnds {
  readonly #store: Store
  readonly #jobs: Jobs
  readonly #timers: Timers
  readonly #failing: FailingJobs
  readonly #clock: Clock
  readonly #log: Logger

  constructor(options: { store: Store; jobs: Jobs; timers: Timers; failing: FailingJobs; clock: Clock; log: Logger }) {
    this.#store = options.store
    this.#jobs = options.jobs
    this.#timers = options.timers
    this.#failing = options.failing
    this.#clock = options.clock
    this.#log = options.log
  }

  ended(run: RunHead): void {
    if (run.slot === null || run.job === null) return
    this.#ended(run, run.job).catch((error: unknown) =>
      this.#log.error(
        { evt: 'slot.failed', job: run.job, err: error },
        'a job could not be moved after the end of its run; it is tried again',
      ),
    )
  }

  async #ended({ id, namespace }: RunHead, name: string): Promise<void> {
    const [known] = await this.#jobs.find([{ namespace, name }])
    if (!known?.schedule || !('afterMs' in known.schedule)) return
    // What is remembered of it may be older than the move that made it wait.
    const [job] = await this.#store.jobs.get([jobId(namespace, name)])
    if (job?.awaits === id && isAwaiting(job)) await this.execute([job])
  }

  async execute(jobs: readonly AwaitingJob[]): Promise<void> {
    if (jobs.length === 0) return
    const now = this.#clock.now()
    const runs = await this.#store.runs.heads(jobs.map(({ awaits }) => awaits))
    const backoffs = await this.#failing.backoffsOf(jobs)
    const moves = jobs.map((job, i) => moveOf(job, runs[i], { now, notBefore: backoffs[i] ?? 0 }))
    const outcomes = await this.#store.jobs.advance(moves)
    for (const [i, { id, set }] of moves.entries()) {
      const job = jobs[i] as AwaitingJob
      this.#jobs.forget(job.namespace, job.name)
      if (outcomes[i] === 'applied' && set.wakeAt !== null) this.#timers.arm('jobs', { id, wakeAt: set.wakeAt })
    }
  }
}

/** A run that is gone ended long ago. */
function moveOf(job: AwaitingJob, run: RunHead | undefined, { now, notBefore }: { now: number; notBefore: number }): JobMove {
  const { id, revision, nextSlotAt, awaits, schedule } = job
  const expect = { revision, nextSlotAt, awaits }
  if (run && !isEnded(run.state)) return { id, expect, set: { ...timesAwaiting(awaits, now), state: 'active' } }
  const slot = schedule && 'afterMs' in schedule ? slotAfterEnd(schedule, run?.endedAt ?? now, notBefore) : null
  return { id, expect, set: slot === null ? { ...NO_SLOT, state: 'finished' } : { ...timesOf(job, slot), state: 'active' } }
}
