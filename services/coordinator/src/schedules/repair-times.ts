import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Clock, pause } from '@carillon/runtime'
import type { Due, DueQuery, JobMove, JobRecord, LifeStore, RunHead, Store, TaskHead } from '@carillon/store'
import { LIFE_KINDS, type LifeKind, readLives } from '../lives.ts'
import type { Jobs, Lives, SlotJudges, Timers, WaitingChecks } from '../ports.ts'
import { decideRepairedTimes, type ElapsedTime } from '../runs/rules/timing.ts'
import { repairedSlot, timesOf } from './rules/schedule.ts'

const PAGE = 500
/** Runs and tasks that are read in one turn of the event loop. There may be millions, nearly all of them correct. */
const LIVES_PAGE = 100
/** The share of the time that a pass over them may take. */
const BUSY = 0.2
/** The size of one read of jobs. */
const READ_BYTES = 4 * 1024 * 1024
/** No gate at which runs wait sleeps for longer. */
const GATE_SLEEP_MS = 120_000
/** Later than any `wakeAt`. */
const END_OF_TIME = Number.MAX_SAFE_INTEGER

/**
 * Scans everything with a `wakeAt` and repairs times that a wrong clock has stored: slots farther ahead than their schedule says, delays that are over
 * sooner or later than requested, checks that are due too late; gates that would wake too late are checked. Needed when the time of the mesh has jumped, and for shares that
 * belonged to another coordinator.
 */
export class RepairTimes {
  readonly #store: Store
  readonly #jobs: Jobs
  readonly #lives: Lives
  readonly #judges: SlotJudges
  readonly #clock: Clock
  readonly #elapsed: ElapsedTime
  readonly #timers: Timers
  readonly #waiting: WaitingChecks

  constructor(options: {
    store: Store
    jobs: Jobs
    lives: Lives
    judges: SlotJudges
    timers: Timers
    waitingChecks: WaitingChecks
    clock: Clock
    elapsed: ElapsedTime
  }) {
    this.#waiting = options.waitingChecks
    this.#timers = options.timers
    this.#store = options.store
    this.#jobs = options.jobs
    this.#lives = options.lives
    this.#judges = options.judges
    this.#clock = options.clock
    this.#elapsed = options.elapsed
  }

  /** Answers how many records were repaired. */
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
    for (const kind of LIFE_KINDS)
      await this.#eachPage(kind, { shares, signal }, async (ids) => {
        const changes = (await readLives(this.#store, ids)).flatMap((work) => {
          const decision = work && this.#repaired(work.task)
          return decision ? [{ ...work, decision }] : []
        })
        await this.#lives.write(changes)
        count += changes.length
      })
    await this.#checkGates({ shares, signal })
    return count
  }

  /** A gate that is checked finds its time by itself. */
  async #checkGates({ shares, signal }: { shares: DueQuery['shares']; signal: AbortSignal }): Promise<void> {
    let after: Due | undefined = { wakeAt: this.#clock.now() + GATE_SLEEP_MS, id: '' }
    while (after && !signal.aborted) {
      const due: Due[] = await this.#store.gates.due({ until: END_OF_TIME, after, shares, limit: PAGE })
      await this.#waiting.late(due.map(({ id }) => id))
      after = due.length === PAGE ? due.at(-1) : undefined
    }
  }

  /** Ids of those that are wrong, a page at a time; what is due first comes first. */
  async #eachPage(
    kind: LifeKind,
    { shares, signal }: { shares: DueQuery['shares']; signal: AbortSignal },
    repairTimes: (ids: string[]) => Promise<void>,
  ): Promise<void> {
    const lives: Pick<LifeStore<never, RunHead | TaskHead>, 'due' | 'heads'> = this.#store[kind]
    for (let after: Due | undefined, isMore = true; isMore && !signal.aborted; ) {
      const began = this.#clock.monotonic()
      const due = await lives.due({ until: END_OF_TIME, after, shares, limit: LIVES_PAGE })
      const heads = due.length > 0 ? await lives.heads(due.map(({ id }) => id)) : []
      const wrong = heads.flatMap((life) => (life && this.#repaired(life) ? [life.id] : []))
      if (wrong.length > 0) await repairTimes(wrong)
      after = due.at(-1)
      isMore = due.length === LIVES_PAGE
      if (isMore) await pause(this.#clock, Math.max(1, (this.#clock.monotonic() - began) * (1 / BUSY - 1)), signal)
    }
  }

  #repaired(life: RunHead | TaskHead) {
    return decideRepairedTimes(life, { now: this.#clock.now(), elapsed: this.#elapsed })
  }

  async #move(jobs: readonly JobRecord[]): Promise<number> {
    const now = this.#clock.now()
    const wrong = jobs.flatMap((job) => {
      const slot = job.state === 'active' ? repairedSlot(job, now) : undefined
      return slot === undefined ? [] : [{ job, slot }]
    })
    const judges = await this.#judges.judgesOf(wrong.map(({ job }) => job))
    const moves: (JobMove & { job: JobRecord })[] = []
    for (const [i, { job, slot }] of wrong.entries()) {
      moves.push({
        job,
        id: job.id,
        expect: { revision: job.revision, nextSlotAt: job.nextSlotAt, awaits: job.awaits },
        set: { ...timesOf(job, slot, judges[i]), state: 'active' },
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
