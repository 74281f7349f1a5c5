import type { EventTrigger, ParentJob } from '@carillon/contracts'
import { type Clock, type Logger, LoopService, pause } from '@carillon/runtime'
import type { JobRecord, Store } from '@carillon/store'

/** A change whose signal was lost is seen after this long at the latest. */
const READ_AGAIN_MS = 5_000
const PAGE = 200
const PAGE_BYTES = 4 * 1024 * 1024

/** What is kept in memory of a job that other jobs or events fire. */
export type TriggeredJob = Pick<JobRecord, 'id' | 'namespace' | 'name' | 'state'> & {
  readonly on: EventTrigger | null
  readonly afterJobs: readonly ParentJob[]
}

/** The jobs that other jobs or events fire, in memory: there are few, and each end of a run asks. */
export class TriggeredJobs extends LoopService {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Logger
  #jobs: readonly TriggeredJob[] = []
  #byParent: ReadonlyMap<string, readonly TriggeredJob[]> = new Map()
  #isStale = true
  #reading: Promise<void> | undefined

  constructor(options: { store: Store; clock: Clock; log: Logger }) {
    super()
    this.#store = options.store
    this.#clock = options.clock
    this.#log = options.log
  }

  /** A job was changed: what is asked from now on waits until it is read. */
  changed(): void {
    this.#isStale = true
  }

  /** Whether a job may have followers: certain unless a job was changed just now. */
  mayHaveFollowers(jobId: string): boolean {
    return this.#isStale || this.#byParent.has(jobId)
  }

  /** Those that follow the runs of a job. @throws CarillonError of the store */
  async followers(jobId: string): Promise<readonly TriggeredJob[]> {
    await this.#fresh()
    return this.#byParent.get(jobId) ?? []
  }

  /** @throws CarillonError of the store */
  async all(): Promise<readonly TriggeredJob[]> {
    await this.#fresh()
    return this.#jobs
  }

  protected async run(signal: AbortSignal): Promise<void> {
    do
      await this.#read().catch((error: unknown) =>
        this.#log.warn({ evt: 'triggers.unread', err: error }, 'triggered jobs could not be read; trying again'),
      )
    while (await pause(this.#clock, READ_AGAIN_MS, signal))
  }

  protected onFailure(error: unknown): void {
    this.#log.fatal({ evt: 'triggers.died', err: error }, 'the reading of triggered jobs died')
  }

  async #fresh(): Promise<void> {
    while (this.#isStale) await this.#read()
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #readAll(): Promise<void> {
    this.#isStale = false
    const jobs: TriggeredJob[] = []
    try {
      for (let cursor: string | undefined, isMore = true; isMore; isMore = cursor !== undefined) {
        const page = await this.#store.jobs.triggered({ cursor, limit: PAGE, maxBytes: PAGE_BYTES })
        for (const { id, namespace, name, state, triggers } of page.items)
          jobs.push({ id, namespace, name, state, on: triggers?.on ?? null, afterJobs: triggers?.afterJobs ?? [] })
        cursor = page.cursor
      }
    } catch (error) {
      this.#isStale = true
      throw error
    }
    const byParent = new Map<string, TriggeredJob[]>()
    for (const job of jobs)
      for (const parent of job.afterJobs) {
        const id = `${job.namespace}/${parent.job}`
        byParent.set(id, [...(byParent.get(id) ?? []), job])
      }
    this.#jobs = jobs
    this.#byParent = byParent
  }
}
