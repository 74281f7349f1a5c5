import { CarillonError, type ChooseSlot, printable } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import { jobId } from '../jobs/rules/job.ts'
import type { Jobs, RunningTasks, Timers } from '../ports.ts'
import { instantAhead, NO_SLOT } from './rules/schedule.ts'

const CHOOSING = ['queued', 'running', 'cancelling'] as const
const TRIES_AGAINST_OTHERS = 10

/** Sets the next slot of a job to the time that one of its runs chooses. */
export class ChooseSlots {
  readonly #store: Store
  readonly #jobs: Jobs
  readonly #running: RunningTasks
  readonly #timers: Timers
  readonly #clock: Clock

  constructor(options: { store: Store; jobs: Jobs; running: RunningTasks; timers: Timers; clock: Clock }) {
    this.#store = options.store
    this.#jobs = options.jobs
    this.#running = options.running
    this.#timers = options.timers
    this.#clock = options.clock
  }

  /** @throws CarillonError RUN_NOT_FOUND, TASK_NOT_RUNNING, INVALID_DATE, CONCURRENT_CHANGE */
  async execute(namespace: string, choice: ChooseSlot): Promise<{ nextAt?: string }> {
    const now = this.#clock.now()
    const slot = choice.at === undefined ? now + (choice.delayMs ?? 0) : Math.max(now, instantAhead(choice.at, { field: 'at', now }))
    const { run } = await this.#running.running(namespace, choice, CHOOSING)
    if (run.job === null) return {}
    const id = jobId(namespace, run.job)
    for (let i = 0; i < TRIES_AGAINST_OTHERS; i++) {
      const [job] = await this.#store.jobs.get([id])
      if (!job || job.state === 'paused') return {}
      const { revision, nextSlotAt, awaits } = job
      const set = { ...NO_SLOT, nextSlotAt: slot, wakeAt: slot, chosenSlotAt: slot, state: 'active' } as const
      const [outcome] = await this.#store.jobs.advance([{ id, expect: { revision, nextSlotAt, awaits }, set }])
      if (outcome !== 'applied') continue
      this.#jobs.forget(namespace, run.job)
      this.#timers.arm('jobs', { id, wakeAt: slot })
      return { nextAt: new Date(slot).toISOString() }
    }
    throw new CarillonError('CONCURRENT_CHANGE', `job ${printable(run.job)} is being changed by others`, { value: printable(run.job) })
  }
}
