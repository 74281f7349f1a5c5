import type { Logger } from '@carillon/runtime'
import type { JobRecord, RunHead, Store } from '@carillon/store'
import type { FailingJobs, Jobs, Judged, SlotJudges, Timers } from '../ports.ts'
import { timesOf } from '../schedules/rules/schedule.ts'
import type { ChangeJobs } from './change-jobs.ts'
import { recentRuns } from './recent-runs.ts'
import { jobId } from './rules/job.ts'
import { backoffUntil, failuresInRow, type RecentRuns, reactsToFailures } from './rules/outcomes.ts'

/**
 * Pauses jobs whose runs fail, and fires them less often. Nothing is counted: what counts is read from the runs, when one has ended and before a slot is
 * fired, and only of jobs that have such a rule.
 */
export class ReactToFailures implements FailingJobs {
  readonly #store: Store
  readonly #jobs: Jobs
  readonly #timers: Timers
  readonly #log: Logger
  readonly #judgesOf: SlotJudges['judgesOf']
  readonly #pauseJob: ChangeJobs['pause']

  constructor(options: {
    store: Store
    jobs: Jobs
    timers: Timers
    log: Logger
    judgesOf: SlotJudges['judgesOf']
    pause: ChangeJobs['pause']
  }) {
    this.#store = options.store
    this.#jobs = options.jobs
    this.#timers = options.timers
    this.#log = options.log
    this.#judgesOf = options.judgesOf
    this.#pauseJob = options.pause
  }

  ended(run: RunHead): void {
    const { job, namespace } = run
    if (job === null) return
    this.#ended(namespace, job).catch((error: unknown) =>
      this.#log.error(
        { evt: 'job.failures', job, err: error },
        'what a job does about failures could not be decided; it is when it fires next',
      ),
    )
  }

  async #ended(namespace: string, name: string): Promise<void> {
    const [known] = await this.#jobs.find([{ namespace, name }])
    if (!known || !reactsToFailures(known)) return
    const [job] = await this.#store.jobs.get([jobId(namespace, name)])
    if (job?.state !== 'active' || (await this.#pause(job)) || job.nextSlotAt === null || !job.failureBackoff) return
    const [judge] = await this.#judgesOf([job])
    const times = { ...timesOf(job, job.nextSlotAt, judge), chosenSlotAt: job.chosenSlotAt }
    if (times.wakeAt === job.wakeAt) return
    const expect = { revision: job.revision, nextSlotAt: job.nextSlotAt, awaits: job.awaits }
    const [outcome] = await this.#store.jobs.advance([{ id: job.id, expect, set: { ...times, state: 'active' } }])
    this.#jobs.forget(namespace, name)
    if (outcome === 'applied' && times.wakeAt !== null) this.#timers.arm('jobs', { id: job.id, wakeAt: times.wakeAt })
  }

  async paused(jobs: readonly JobRecord[]): Promise<ReadonlySet<string>> {
    const paused = new Set<string>()
    for (const job of jobs) if (job.pauseAfterFailures !== null && (await this.#pause(job))) paused.add(job.id)
    return paused
  }

  async backoffsOf(jobs: readonly Judged[]): Promise<(number | null)[]> {
    return Promise.all(jobs.map(async (job) => (job.failureBackoff ? backoffUntil(job.failureBackoff, await this.#recent(job)) : null)))
  }

  async #pause(job: JobRecord): Promise<boolean> {
    if (job.pauseAfterFailures === null) return false
    const { count } = failuresInRow(await this.#recent(job))
    if (count < job.pauseAfterFailures) return false
    await this.#pauseJob(job.namespace, job.name, { note: `${count} runs in a row failed`, by: 'coordinator' })
    return true
  }

  /** An operator who resumes a job has seen its failures. */
  async #recent(job: Judged): Promise<RecentRuns> {
    return (await recentRuns(this.#store, job)).filter(({ createdAt }) => createdAt >= (job.resumedAt ?? 0))
  }
}
