import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Clock, pause } from '@carillon/runtime'
import type { Due, DueQuery, JobMove, JobRecord, LifeStore, RunHead, Store, TaskHead } from '@carillon/store'
import type { JobCache } from '../jobs/read-jobs.ts'
import type { Timers } from '../ports.ts'
import { decideAnew, type Lived, slotAnew } from '../runs/rules/timing.ts'
import { readTasks } from '../runs/tasks-of-runs.ts'
import type { RunWriter } from '../runs/write-runs.ts'
import type { TaskWriter } from '../runs/write-tasks.ts'

const PAGE = 500
/** Runs and tasks that are read in one turn of the event loop. There may be millions, nearly all of them right. */
const LIVES_PAGE = 100
/** The share of the time in which they are gone through: the rest belongs to everyone else. */
const BUSY = 0.2
/** Of jobs that are read at once. */
const READ_BYTES = 4 * 1024 * 1024
/** Later than anything that waits. */
const END_OF_TIME = Number.MAX_SAFE_INTEGER

/**
 * Goes through everything that waits and sets right what a wrong clock has stored: slots farther ahead than their schedule says, delays that are over
 * sooner or later than they were asked for, checks that are due too late. Needed when the time of the mesh has jumped, and for shares that
 * someone else has looked after.
 */
export class SetRight {
  readonly #store: Store
  readonly #jobs: JobCache
  readonly #writer: RunWriter
  readonly #tasks: TaskWriter
  readonly #clock: Clock
  readonly #lived: Lived
  readonly #timers: Timers

  constructor(options: {
    store: Store
    jobs: JobCache
    writer: RunWriter
    tasks: TaskWriter
    timers: Timers
    clock: Clock
    lived: Lived
  }) {
    this.#timers = options.timers
    this.#store = options.store
    this.#jobs = options.jobs
    this.#writer = options.writer
    this.#tasks = options.tasks
    this.#clock = options.clock
    this.#lived = options.lived
  }

  /** Answers how much was wrong. */
  async execute(shares: readonly number[], signal: AbortSignal): Promise<number> {
    let count = 0
    for (let after: Due | undefined, isMore = true; isMore && !signal.aborted; ) {
      const due = await this.#store.jobs.due({ until: END_OF_TIME, after, shares, limit: PAGE })
      for (let read = 0; read < due.length; ) {
        const ids = due.slice(read).map(({ id }) => id)
        const jobs = await this.#store.jobs.get(ids, READ_BYTES)
        read += jobs.length
        count += await this.#move(jobs.filter((job) => job !== undefined))
        await nextTurn()
      }
      after = due.at(-1)
      isMore = due.length === PAGE
    }
    await this.#eachPage(this.#store.runs, { shares, signal }, async (runs: RunHead[]) => {
      const changes = runs.flatMap((run) => this.#anew(run, (decision) => ({ run, decision })))
      await this.#writer.write(changes)
      count += changes.length
    })
    await this.#eachPage(this.#store.tasks, { shares, signal }, async (tasks: TaskHead[]) => {
      const wrong = tasks.filter((task) => this.#anew(task, () => task).length > 0)
      const known =
        wrong.length > 0
          ? await readTasks(
              this.#store,
              wrong.map(({ id }) => id),
            )
          : []
      const changes = known.flatMap((work) => (work ? this.#anew(work.task, (decision) => ({ ...work, decision })) : []))
      await this.#tasks.write(changes)
      count += changes.length
    })
    return count
  }

  /** Those that are due first come first. */
  async #eachPage<Item extends { readonly id: string; readonly wakeAt: number | null }>(
    store: Pick<LifeStore<never, Item>, 'due' | 'heads'>,
    { shares, signal }: { shares: DueQuery['shares']; signal: AbortSignal },
    take: (items: Item[]) => Promise<void>,
  ): Promise<void> {
    for (let after: Due | undefined, isMore = true; isMore && !signal.aborted; ) {
      const began = this.#clock.monotonic()
      const due = await store.due({ until: END_OF_TIME, after, shares, limit: LIVES_PAGE })
      if (due.length > 0) await take((await store.heads(due.map(({ id }) => id))).filter((item) => item !== undefined))
      after = due.at(-1)
      isMore = due.length === LIVES_PAGE
      if (isMore) await pause(this.#clock, Math.max(1, (this.#clock.monotonic() - began) * (1 / BUSY - 1)), signal)
    }
  }

  #anew<Change>(life: RunHead | TaskHead, change: (decision: NonNullable<ReturnType<typeof decideAnew>>) => Change): Change[] {
    const decision = decideAnew(life, { now: this.#clock.now(), lived: this.#lived })
    return decision ? [change(decision)] : []
  }

  async #move(jobs: readonly JobRecord[]): Promise<number> {
    const now = this.#clock.now()
    const moves: (JobMove & { job: JobRecord })[] = []
    for (const job of jobs) {
      const times = job.state === 'active' && job.schedule && job.nextSlotAt !== null ? slotAnew(job, now) : undefined
      if (times)
        moves.push({
          job,
          id: job.id,
          expect: { revision: job.revision, nextSlotAt: job.nextSlotAt as number },
          set: { ...times, state: 'active' },
        })
    }
    if (moves.length === 0) return 0
    const outcomes = await this.#store.jobs.advance(moves.map(({ id, expect, set }) => ({ id, expect, set })))
    for (const [i, { job, set }] of moves.entries()) {
      this.#jobs.forget(job.namespace, job.name)
      if (outcomes[i] === 'applied' && set.wakeAt !== null) this.#timers.arm('jobs', { id: job.id, wakeAt: set.wakeAt })
    }
    return moves.length
  }
}
