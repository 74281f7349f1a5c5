import type { RunState } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { RunHead, Store, TaskHead } from '@carillon/store'
import type { Tasks, WorkQueue } from '../ports.ts'
import type { Decision } from './rules/decision.ts'
import { decideFreeze, decideHold, decideRelease, decideThaw } from './rules/pause.ts'
import { runOf } from './rules/work.ts'

const PAGE = 1_000

/** The tasks of paused runs. Level-triggered: each step may be repeated at any time. */
export class HoldTasks {
  readonly #store: Store
  readonly #tasks: Tasks
  readonly #work: WorkQueue
  readonly #clock: Clock

  constructor(options: { store: Store; tasks: Tasks; work: WorkQueue; clock: Clock }) {
    this.#store = options.store
    this.#tasks = options.tasks
    this.#work = options.work
    this.#clock = options.clock
  }

  /** Of a paused run: what is queued is taken out of the queue, and the times of waits stand still. */
  async hold(run: RunHead): Promise<void> {
    await this.#each(run, 'queued', decideHold)
    if (run.mode === 'workflow') await this.#each(run, 'delayed', (task) => decideFreeze(task, run))
    // Also what a coordinator had held that stopped then.
    if (run.mode !== 'workflow') return this.#work.withdrawAll(run)
    const { items } = await this.#store.tasks.list({ runId: run.id, state: 'paused', limit: PAGE })
    for (const task of items) await this.#work.withdraw({ run: runOf(run, task), task })
  }

  /** Of a run that was paused: what was held is queued, and the times of waits go on. */
  async release(run: RunHead): Promise<void> {
    await this.#each(run, 'paused', (task) => decideRelease(task, this.#clock.now()))
    if (run.mode === 'workflow') await this.#each(run, 'delayed', (task) => decideThaw(task, this.#clock.now()))
  }

  async #each(run: RunHead, state: RunState, decide: (task: TaskHead) => Decision | undefined): Promise<void> {
    let cursor: string | undefined
    do {
      const page = await this.#store.tasks.list({ runId: run.id, state, limit: PAGE, cursor })
      await this.#tasks.write(
        page.items.flatMap((task) => {
          const decision = decide(task)
          return decision ? [{ task, run: runOf(run, task), decision }] : []
        }),
      )
      await this.#work.room()
      cursor = page.cursor
    } while (cursor !== undefined)
  }
}
