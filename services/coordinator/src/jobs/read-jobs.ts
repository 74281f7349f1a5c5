import { setImmediate as nextTurn } from 'node:timers/promises'
import type { JobView, Page } from '@carillon/contracts'
import { type Clock, pageThatFits } from '@carillon/runtime'
import type { Due, DueQuery, JobRecord, Store } from '@carillon/store'
import { LRUCache } from 'lru-cache'
import type { Jobs } from '../ports.ts'
import { jobView } from '../runs/rules/views.ts'
import { ReadChanges } from './read-changes.ts'
import { recentRuns } from './recent-runs.ts'
import { jobId, jobNotFound, largeBytesOf, type Place, type WokenJob } from './rules/job.ts'
import { statsOf } from './rules/outcomes.ts'

/** A change whose signal was lost is seen after this long at the latest. */
const KEEP_MS = 5_000
const KEEP_AT_MOST = 20_000
/** The size of payloads and items in the cache. What does not fit is read when it is needed. */
const KEEP_BYTES = 32 * 1024 * 1024
/** Jobs that are read in one turn of the event loop. */
const READ_TOGETHER = 500
/** The size of one read of jobs that are not cached. */
const READ_BYTES = 4 * 1024 * 1024

interface Entry {
  readonly job: JobRecord | undefined
  /** On the monotonic clock. */
  readonly until: number
}

/**
 * A cache of jobs for starts and slots, with a limit of time and bytes. A coordinator that changes a job publishes
 * `live.job.<name>.changed` before it answers, so a start that follows a change sees it.
 */
export class JobCache implements Jobs {
  readonly #store: Store
  readonly #clock: Clock
  readonly #entries = new LRUCache<string, Entry>({
    max: KEEP_AT_MOST,
    maxSize: KEEP_BYTES,
    sizeCalculation: ({ job }) => 1 + largeBytesOf(job),
  })
  /** What is read while an entry is invalidated may be old already, and is not cached. */
  #forgotten = 0

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** For each place the job of that name; undefined where there is none, or no name. */
  async find(places: readonly Place[]): Promise<(JobRecord | undefined)[]> {
    const found: (JobRecord | undefined)[] = []
    while (found.length < places.length) found.push(...(await this.findFirst(places.slice(found.length))))
    return found
  }

  /** The same for the first of these places: as many as there is room for where the jobs are large, one in any case. */
  async findFirst(places: readonly Place[]): Promise<(JobRecord | undefined)[]> {
    const now = this.#clock.monotonic()
    const ids = places.map(({ namespace, name }) => (name === undefined ? undefined : jobId(namespace, name)))
    const found = new Map<string | undefined, JobRecord | undefined>([[undefined, undefined]])
    const missing = new Set<string>()
    for (const id of ids) {
      if (id === undefined) continue
      const entry = this.#entries.get(id)
      if (entry && entry.until > now) found.set(id, entry.job)
      else missing.add(id)
    }
    if (missing.size > 0) await this.#read([...missing], found)
    const end = ids.findIndex((id) => !found.has(id))
    return (end < 0 ? ids : ids.slice(0, end)).map((id) => found.get(id))
  }

  async #read(ids: readonly string[], into: Map<string | undefined, JobRecord | undefined>): Promise<void> {
    const [forgotten, until] = [this.#forgotten, this.#clock.monotonic() + KEEP_MS]
    const jobs = await this.#store.jobs.get(ids, READ_BYTES)
    for (const [i, job] of jobs.entries()) {
      const id = ids[i] as string
      into.set(id, job)
      if (forgotten === this.#forgotten) this.#entries.set(id, { job, until })
    }
  }

  /** Jobs whose slots are near. They are read ahead, so that they are fired from memory when their time has come. */
  async due(query: DueQuery): Promise<Due[]> {
    const due = await this.#store.jobs.due(query)
    const [now, monotonic] = [this.#clock.now(), this.#clock.monotonic()]
    const isKnown = ({ id, wakeAt }: Due) => {
      const entry = this.#entries.get(id)
      return entry?.job?.wakeAt === wakeAt && entry.until > monotonic + Math.max(0, wakeAt - now)
    }
    await this.#readAhead(due.filter((one) => !isKnown(one)).map(({ id }) => id))
    return due
  }

  async #readAhead(ids: readonly string[]): Promise<void> {
    // Reading more would evict what is due first.
    for (let i = 0; i < Math.min(ids.length, KEEP_AT_MOST) && this.#entries.calculatedSize < KEEP_BYTES; i += READ_TOGETHER) {
      const forgotten = this.#forgotten
      const some = ids.slice(i, i + READ_TOGETHER)
      const jobs = await this.#store.jobs.get(some, Math.min(READ_BYTES, KEEP_BYTES - this.#entries.calculatedSize))
      if (forgotten === this.#forgotten) this.keep(jobs)
      if (jobs.length < some.length) return
      await nextTurn()
    }
  }

  /**
   * Those of these jobs that wake before `until`, as many as may be read at once.
   * @returns `rest` to be requested again
   */
  async toFire(ids: readonly string[], until: number): Promise<{ jobs: WokenJob[]; rest: string[] }> {
    const now = this.#clock.monotonic()
    const isDue = (job: JobRecord | undefined): job is WokenJob => job?.state === 'active' && job.wakeAt !== null && job.wakeAt <= until
    const known = ids.map((id) => this.#entries.get(id)).map((entry) => (entry && entry.until > now ? entry.job : undefined))
    const unsure = ids.filter((_, i) => !isDue(known[i]))
    const read = unsure.length > 0 ? await this.#store.jobs.get(unsure, READ_BYTES) : []
    return { jobs: [...known, ...read].filter(isDue), rest: unsure.slice(read.length) }
  }

  keep(jobs: readonly (JobRecord | undefined)[]): void {
    const until = this.#clock.monotonic() + KEEP_MS
    for (const job of jobs) if (job) this.#entries.set(job.id, { job, until })
  }

  forget(namespace: string, name: string): void {
    this.#forgotten++
    this.#entries.delete(jobId(namespace, name))
  }
}

/** Reads jobs for people. */
export class ReadJobs {
  readonly changes: ReadChanges
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
    this.changes = new ReadChanges(store)
  }

  async get(namespace: string, name: string): Promise<JobView> {
    const [job] = await this.#store.jobs.get([jobId(namespace, name)])
    if (!job) throw jobNotFound(name)
    return { ...jobView(job), stats: statsOf(await recentRuns(this.#store, job)) }
  }

  async list(namespace: string, page: { cursor?: string | undefined; limit: number }): Promise<Page<JobView>> {
    return pageThatFits(
      (maxBytes) => this.#store.jobs.list({ namespace, ...page, maxBytes }),
      (jobs) => jobs.map(jobView),
    )
  }
}
