import type { JobRecord, Slice, Store } from '@carillon/store'
import type { CalendarUse, Jobs, SlotJudges, Timers } from '../ports.ts'
import { calendarsOf } from '../schedules/rules/exclusions.ts'
import { timesOf } from '../schedules/rules/schedule.ts'

const PAGE = 500
const PAGE_BYTES = 4 * 1024 * 1024

/** The jobs that use a calendar. A calendar is changed rarely, so all jobs of its namespace are read. */
export class CalendarUsers implements CalendarUse {
  readonly #store: Store
  readonly #jobs: Jobs
  readonly #judges: SlotJudges
  readonly #timers: Timers

  constructor(options: { store: Store; jobs: Jobs; judges: SlotJudges; timers: Timers }) {
    this.#store = options.store
    this.#jobs = options.jobs
    this.#judges = options.judges
    this.#timers = options.timers
  }

  async userOf(namespace: string, calendar: string): Promise<string | undefined> {
    for await (const jobs of this.#using(namespace, calendar)) if (jobs[0]) return jobs[0].name
    return undefined
  }

  /** A day that is no longer excluded may come sooner than the slot for which a job is woken. */
  async changed(namespace: string, calendar: string): Promise<void> {
    for await (const jobs of this.#using(namespace, calendar)) {
      const active = jobs.filter(({ state, nextSlotAt }) => state === 'active' && nextSlotAt !== null)
      const judges = await this.#judges.judgesOf(active)
      const moves = active.map((job, i) => ({
        id: job.id,
        expect: { revision: job.revision, nextSlotAt: job.nextSlotAt, awaits: job.awaits },
        set: { ...timesOf(job, job.nextSlotAt, judges[i]), chosenSlotAt: job.chosenSlotAt, state: job.state },
      }))
      const outcomes = await this.#store.jobs.advance(moves)
      for (const [i, { id, set }] of moves.entries()) {
        this.#jobs.forget(namespace, (active[i] as JobRecord).name)
        // A job that was changed in between was computed with the new days.
        if (outcomes[i] === 'applied' && set.wakeAt !== null) this.#timers.arm('jobs', { id, wakeAt: set.wakeAt })
      }
    }
  }

  async *#using(namespace: string, calendar: string): AsyncGenerator<JobRecord[]> {
    for (let cursor: string | undefined, isMore = true; isMore; ) {
      const page: Slice<JobRecord> = await this.#store.jobs.list({ namespace, cursor, limit: PAGE, maxBytes: PAGE_BYTES })
      const jobs = page.items.filter((job) => calendarsOf(job).includes(calendar))
      if (jobs.length > 0) yield jobs
      cursor = page.cursor
      isMore = cursor !== undefined
    }
  }
}
