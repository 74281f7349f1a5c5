import { CarillonError, type JobView, type Page, printable } from '@carillon/contracts'
import { type Clock, pageThatFits } from '@carillon/runtime'
import type { DueQuery, JobRecord, Store } from '@carillon/store'
import { jobView } from '../domain/views.ts'

export const jobId = (namespace: string, name: string) => `${namespace}/${name}`

export function jobNotFound(name: string): CarillonError {
  return new CarillonError('JOB_NOT_FOUND', `there is no job ${printable(name)}`, { field: 'name', value: printable(name) })
}

/** A change that was not heard of shows after this long at the latest. */
const KEEP_MS = 5_000
const KEEP_AT_MOST = 10_000

/** A job whose slot is to be fired. */
export type DueJob = JobRecord & { readonly nextSlotAt: number }

/**
 * Jobs as starts and slots need them, remembered for a moment. Whoever changes a job says so on `live.job.<name>.changed` before he answers, so
 * a start that follows a change sees it.
 */
export class JobCache {
  readonly #store: Store
  readonly #clock: Clock
  readonly #entries = new Map<string, { job: JobRecord | undefined; until: number }>()
  /** What is read while someone forgets may be old already, and is not remembered. */
  #forgotten = 0

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** For each place the job of that name; undefined where there is none, or no name. */
  async find(places: readonly { namespace: string; name: string | undefined }[]): Promise<(JobRecord | undefined)[]> {
    const now = this.#clock.monotonic()
    const ids = places.map(({ namespace, name }) => (name === undefined ? undefined : jobId(namespace, name)))
    const found = new Map<string, JobRecord | undefined>()
    const missing = new Set<string>()
    for (const id of ids) {
      if (id === undefined) continue
      const entry = this.#entries.get(id)
      if (entry && entry.until > now) found.set(id, entry.job)
      else missing.add(id)
    }
    if (missing.size > 0) await this.#read([...missing], found)
    return ids.map((id) => (id === undefined ? undefined : found.get(id)))
  }

  async #read(ids: readonly string[], into: Map<string, JobRecord | undefined>): Promise<void> {
    const [forgotten, until] = [this.#forgotten, this.#clock.monotonic() + KEEP_MS]
    const jobs = await this.#store.jobs.get(ids)
    if (this.#entries.size > KEEP_AT_MOST) this.#entries.clear()
    for (const [i, id] of ids.entries()) {
      into.set(id, jobs[i])
      if (forgotten === this.#forgotten) this.#entries.set(id, { job: jobs[i], until })
    }
  }

  /** Jobs whose slots are near, read ahead: when their time has come they are fired from memory. */
  async due(query: DueQuery): Promise<JobRecord[]> {
    const forgotten = this.#forgotten
    const jobs = await this.#store.jobs.due(query)
    if (forgotten === this.#forgotten) this.keep(jobs)
    return jobs
  }

  /** Those of these jobs whose slot comes before `until`. */
  async toFire(ids: readonly string[], until: number): Promise<DueJob[]> {
    const now = this.#clock.monotonic()
    const isDue = (job: JobRecord | undefined): job is DueJob =>
      job?.state === 'active' && job.nextSlotAt !== null && job.wakeAt !== null && job.wakeAt <= until
    const known = ids.map((id) => this.#entries.get(id)).map((entry) => (entry && entry.until > now ? entry.job : undefined))
    const unsure = ids.filter((_, i) => !isDue(known[i]))
    const read = unsure.length > 0 ? await this.#store.jobs.get(unsure) : []
    return [...known, ...read].filter(isDue)
  }

  keep(jobs: readonly JobRecord[]): void {
    if (this.#entries.size > KEEP_AT_MOST) this.#entries.clear()
    const until = this.#clock.monotonic() + KEEP_MS
    for (const job of jobs) this.#entries.set(job.id, { job, until })
  }

  forget(namespace: string, name: string): void {
    this.#forgotten++
    this.#entries.delete(jobId(namespace, name))
  }
}

/** Reads jobs for people. */
export class ReadJobs {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  async get(namespace: string, name: string): Promise<JobView> {
    const [job] = await this.#store.jobs.get([jobId(namespace, name)])
    if (!job) throw jobNotFound(name)
    return jobView(job)
  }

  async list(namespace: string, page: { cursor?: string | undefined; limit: number }): Promise<Page<JobView>> {
    return pageThatFits(
      (maxBytes) => this.#store.jobs.list({ namespace, ...page, maxBytes }),
      (jobs) => jobs.map(jobView),
    )
  }
}
