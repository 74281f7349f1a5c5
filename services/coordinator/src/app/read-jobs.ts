import { CarillonError, type JobView, type Page, printable } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { JobRecord, Store } from '@carillon/store'
import { jobView } from '../domain/views.ts'
import { pageThatFits } from './page-that-fits.ts'

export const jobId = (namespace: string, name: string) => `${namespace}/${name}`

export function jobNotFound(name: string): CarillonError {
  return new CarillonError('JOB_NOT_FOUND', `there is no job ${printable(name)}`, { field: 'name', value: printable(name) })
}

/** A change that was not heard of shows after this long at the latest. */
const KEEP_MS = 5_000
const KEEP_AT_MOST = 10_000

/**
 * Jobs as starts need them, remembered for a moment. Whoever changes a job says so on `live.job.<name>.changed` before he answers, so
 * a start that follows a change sees it.
 */
export class JobCache {
  readonly #store: Store
  readonly #clock: Clock
  readonly #entries = new Map<string, { job: JobRecord | undefined; until: number }>()

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** For each place the job of that name; undefined where there is none, or no name. */
  async find(places: readonly { namespace: string; name: string | undefined }[]): Promise<(JobRecord | undefined)[]> {
    const now = this.#clock.now()
    const ids = places.map(({ namespace, name }) => (name === undefined ? undefined : jobId(namespace, name)))
    const missing = new Set(ids.filter((id): id is string => id !== undefined && (this.#entries.get(id)?.until ?? 0) <= now))
    if (missing.size > 0) {
      if (this.#entries.size > KEEP_AT_MOST) this.#entries.clear()
      const wanted = [...missing]
      const read = await this.#store.jobs.get(wanted)
      for (const [i, id] of wanted.entries()) this.#entries.set(id, { job: read[i], until: now + KEEP_MS })
    }
    return ids.map((id) => (id === undefined ? undefined : this.#entries.get(id)?.job))
  }

  forget(namespace: string, name: string): void {
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
    const slice = await pageThatFits(
      page.limit,
      (limit) => this.#store.jobs.list({ namespace, ...page, limit }),
      (job) => job.payload.length,
    )
    return { items: slice.items.map(jobView), ...(slice.cursor ? { next: slice.cursor } : {}) }
  }
}
