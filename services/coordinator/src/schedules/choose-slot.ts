import type { ChooseSlot } from '@carillon/contracts'
import type { Clock, RecordTurns } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import { jobId } from '../jobs/rules/job.ts'
import type { Jobs, RunningTasks, Timers } from '../ports.ts'
import { instantAhead, NO_SLOT } from './rules/schedule.ts'

const CHOOSING = ['queued', 'running', 'paused', 'cancelling'] as const

/** Sets the next slot of a job to the time that one of its runs chooses. */
export class ChooseSlots {
  readonly #store: Store
  readonly #jobs: Jobs
  readonly #running: RunningTasks
  readonly #timers: Timers
  readonly #clock: Clock
  readonly #turns: RecordTurns

  constructor(options: { store: Store; jobs: Jobs; running: RunningTasks; timers: Timers; clock: Clock; turns: RecordTurns }) {
    this.#turns = options.turns
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
    const { job: name } = run
    if (name === null) return {}
    const id = jobId(namespace, name)
    return this.#turns.take({ kind: 'job', id, name, field: 'job' }, async () => {
      const [job] = await this.#store.jobs.get([id])
      if (!job || job.state === 'paused') return {}
      const { revision, nextSlotAt, awaits } = job
      // A run that begins at once may choose before its job is moved from its slot.
      const last = run.slot !== null && nextSlotAt === run.slot ? { lastRunId: run.id } : {}
      const set = { ...NO_SLOT, nextSlotAt: slot, wakeAt: slot, chosenSlotAt: slot, state: 'active', ...last } as const
      const [outcome] = await this.#store.jobs.advance([{ id, expect: { revision, nextSlotAt, awaits }, set }])
      if (outcome !== 'applied') return undefined
      this.#jobs.forget(namespace, name)
      this.#timers.arm('jobs', { id, wakeAt: slot })
      return { nextAt: new Date(slot).toISOString() }
    })
  }
}
