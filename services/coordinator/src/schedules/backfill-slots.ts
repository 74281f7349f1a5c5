import { type BackfillJob, CarillonError, type JobBackfill, printable } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import { jobId, jobNotFound } from '../jobs/rules/job.ts'
import type { Expressions, Placement, Presence, Runs, SlotJudges } from '../ports.ts'
import { withHashKey } from '../routing/rules/hash-key.ts'
import { runOfSlot } from '../runs/rules/new-run.ts'
import type { Judge } from './rules/exclusions.ts'
import { pastSlots } from './rules/past-slots.ts'
import { originOf } from './slot-origin.ts'

/** Runs of one write. */
const TOGETHER = 500

/**
 * Fires past slots of a job on purpose, oldest first, so many at once. Their runs have the ids that the schedule would have given them: a slot that
 * has a run keeps it, and a repetition makes none.
 */
export class BackfillSlots {
  readonly #store: Store
  readonly #runs: Runs
  readonly #clock: Clock
  readonly #presence: Presence
  readonly #judges: SlotJudges
  readonly #placement: Placement
  readonly #expressions: Expressions

  constructor(options: {
    store: Store
    runs: Runs
    clock: Clock
    presence: Presence
    judges: SlotJudges
    placement: Placement
    expressions: Expressions
  }) {
    this.#store = options.store
    this.#runs = options.runs
    this.#clock = options.clock
    this.#presence = options.presence
    this.#judges = options.judges
    this.#placement = options.placement
    this.#expressions = options.expressions
  }

  /** @throws CarillonError JOB_NOT_FOUND, INVALID_REQUEST, INVALID_DATE, of a run that cannot be stored */
  async execute(namespace: string, backfill: BackfillJob): Promise<JobBackfill> {
    const [job] = await this.#store.jobs.get([jobId(namespace, backfill.name)])
    if (!job) throw jobNotFound(backfill.name)
    const { schedule } = job
    if (schedule === null) throw withoutSchedule(backfill.name)
    const now = this.#clock.now()
    const [judge] = (await this.#judges.judgesOf([{ ...job, failureBackoff: null }])) as [Judge]
    const slots = pastSlots(schedule, backfill, { judge, base: job.nextSlotAt, now })
    const kind = this.#presence.kindOf(namespace, job.handler)
    let created = 0
    for (let i = 0; i < slots.length; i += TOGETHER) {
      const fresh = slots.slice(i, i + TOGETHER).map((slot) => {
        const run = runOfSlot(job, slot, { ...originOf(job, slot, { now: this.#clock.now() }), kind })
        return this.#placement.backfilled(job.routing === null ? run : withHashKey(run, this.#expressions), job, backfill)
      })
      const outcomes = await this.#runs.insert(await this.#placement.ordered(fresh))
      for (const outcome of outcomes) if (CarillonError.is(outcome)) throw outcome
      created += outcomes.filter((outcome) => outcome === 'created').length
    }
    const [first, last] = [slots[0], slots.at(-1)]
    const span = first === undefined || last === undefined ? {} : { from: iso(first), to: iso(last) }
    return { ...span, slots: slots.length, created }
  }
}

const iso = (ms: number) => new Date(ms).toISOString()

const withoutSchedule = (name: string) =>
  new CarillonError('INVALID_REQUEST', `job ${printable(name)} has no schedule, so it has no slots`, {
    field: 'name',
    value: printable(name),
    hint: 'Give it a schedule, or run it: carillon run <job>.',
  })
