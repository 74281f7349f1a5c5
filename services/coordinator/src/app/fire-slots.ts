import { type Clock, derivedId, type Logger, markStep, meter } from '@carillon/runtime'
import type { JobMove, JobRecord, RunRecord, Store } from '@carillon/store'
import { type RunOrigin, runOfSlot, skippedRun } from '../domain/new-run.ts'
import { planSlots } from '../domain/schedule.ts'
import type { Announcer } from './announce.ts'
import type { RunWriter } from './write-runs.ts'

/** Fires the slots of jobs: first the runs, under ids derived from (job, slot), then the jobs' next time. A crash between is repaired by doing it again. */
export class FireSlots {
  readonly #store: Store
  readonly #writer: RunWriter
  readonly #clock: Clock
  readonly #announcer: Announcer
  readonly #log: Logger
  readonly #lateness = meter.milliseconds('carillon.slots.lateness', 'From planned time to stored run')
  /** Set once by the composition. */
  arm: (job: JobRecord) => void = () => undefined

  constructor(options: { store: Store; writer: RunWriter; clock: Clock; announcer: Announcer; log: Logger }) {
    this.#store = options.store
    this.#writer = options.writer
    this.#clock = options.clock
    this.#announcer = options.announcer
    this.#log = options.log
  }

  async execute(ids: readonly string[]): Promise<void> {
    const now = this.#clock.now()
    const due = (await this.#store.jobs.get(ids)).filter(
      (job): job is JobRecord => job !== undefined && job.state === 'active' && job.wakeAt !== null && job.wakeAt <= now,
    )
    const runs: RunRecord[] = []
    const moves: (JobMove & { job: JobRecord })[] = []
    for (const job of due) {
      try {
        const { fire, missed, next } = planSlots(job.schedule!, job.wakeAt!, { now, misfire: job.misfire })
        const origin = (slot: number | string) => originOf(job, slot, now)
        for (const slot of fire) runs.push(runOfSlot(job, slot, origin(slot)))
        if (missed) runs.push(skippedRun(job, missed, origin(`missed ${missed.from}`)))
        moves.push({
          job,
          id: job.id,
          expect: { revision: job.revision, wakeAt: job.wakeAt! },
          set: { wakeAt: next, state: next === null ? 'finished' : 'active' },
        })
      } catch (error) {
        this.#log.error({ evt: 'slot.failed', job: job.id, err: error }, 'the slots of a job could not be planned')
      }
    }
    await this.#writer.insert(runs)
    for (const run of runs) if (run.slot !== null) this.#lateness.record(now - run.slot)
    await this.#move(moves)
  }

  async #move(moves: readonly (JobMove & { job: JobRecord })[]): Promise<void> {
    const outcomes = await this.#store.jobs.advance(moves.map(({ id, expect, set }) => ({ id, expect, set })))
    for (const [i, { job, set }] of moves.entries()) {
      if (outcomes[i] !== 'applied') continue
      if (set.wakeAt !== null) this.arm({ ...job, ...set })
      else this.#announcer.changed('job', { namespace: job.namespace, name: job.name, what: 'finished', body: { name: job.name } })
    }
  }
}

function originOf(job: JobRecord, slot: number | string, now: number): RunOrigin {
  const id = derivedId('s', job.namespace, job.name, slot)
  const traceparent = markStep('carillon.run.created', undefined, { 'carillon.run.id': id, 'carillon.namespace': job.namespace })
  return { id, namespace: job.namespace, trigger: 'schedule', traceparent: traceparent ?? null, now }
}
